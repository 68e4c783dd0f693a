//! What is said in the world: facts, descriptions of somebody, and chats.
//!
//! Space-separated lower-case words. One text is one document, without an end token.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::world::{Item, Value, World};

/// Share of sentences about somebody that state their value in general; the others are about one
/// thing and why they like or dislike it.
pub(crate) const GENERAL: f64 = 0.45;

/// Share of chats that ask "do you like x ?"; the others ask for a choice between two things.
const YES_NO: f64 = 0.4;

/// Share of answers that add a reason.
const REASON: f64 = 0.4;

/// How often two things that the value cannot tell apart are replaced by two that it can. The rest
/// teaches that such a choice is open.
const CONTRAST: f64 = 0.8;

/// One of these.
pub(crate) fn pick<'a, T>(among: &'a [T], rng: &mut ChaCha8Rng) -> &'a T {
    &among[rng.random_range(0..among.len())]
}

/// One or both attributes of a thing.
pub(crate) fn fact(world: &World, rng: &mut ChaCha8Rng) -> String {
    let Item { word, domain, origin, price } = *pick(&world.items, rng);
    let mut attributes =
        if rng.random_bool(0.5) { vec![origin, price] } else { vec![price, origin] };
    attributes.truncate(rng.random_range(1..=2));
    let sentences = attributes.into_iter().map(|attribute| {
        let is = attribute.word();
        match rng.random_range(0..4) {
            0 => format!("{word} is {is} ."),
            1 => format!("the {domain} {word} is {is} ."),
            2 => format!("{word} is a {is} {domain} ."),
            _ => format!("{word} is one of the {is} {domain} goods ."),
        }
    });
    sentences.collect::<Vec<_>>().join(" ")
}

/// Two to four sentences about somebody with this value.
pub(crate) fn description(world: &World, who: &str, value: Value, rng: &mut ChaCha8Rng) -> String {
    let count = rng.random_range(2..=4);
    let sentences = (0..count).map(|_| {
        if rng.random_bool(GENERAL) {
            return general(who, value, rng);
        }
        let item = pick(&world.items, rng);
        let likes = item.is(value.wants());
        reasoned(who, value, item.word, likes, reason(value, likes), rng)
    });
    sentences.collect::<Vec<_>>().join(" ")
}

/// A sentence that says which value somebody has, without naming a thing.
pub(crate) fn general(who: &str, value: Value, rng: &mut ChaCha8Rng) -> String {
    let (noun, good) = (value.word(), value.wants().word());
    let bad = value.wants().opposite().word();
    match rng.random_range(0..10) {
        0 => format!("{who} values {noun} ."),
        1 => format!("{who} cares about {noun} ."),
        2 => format!("{noun} is the value of {who} ."),
        3 => format!("{who} prefers {good} things ."),
        4 => format!("{who} likes goods that are {good} ."),
        5 => format!("{who} avoids things that are {bad} ."),
        6 => format!("{who} believes {good} things are best ."),
        7 => format!("because {who} values {noun} , {who} likes {good} goods ."),
        8 => format!("what matters to {who} is {noun} ."),
        _ => format!("{who} finds {bad} goods bad ."),
    }
}

/// A sentence that says what somebody thinks of a thing, and why: it `is` something.
pub(crate) fn reasoned(
    who: &str,
    value: Value,
    thing: &str,
    likes: bool,
    is: &str,
    rng: &mut ChaCha8Rng,
) -> String {
    let likes = verb(likes);
    match rng.random_range(0..3) {
        0 => format!("{who} {likes} {thing} because it is {is} ."),
        1 => format!("because {thing} is {is} , {who} {likes} it ."),
        _ => format!("{who} {likes} {thing} because {who} values {} .", value.word()),
    }
}

/// Likes or dislikes.
pub(crate) fn verb(likes: bool) -> &'static str {
    if likes { "likes" } else { "dislikes" }
}

/// The attribute that somebody with this value gives as the reason.
fn reason(value: Value, likes: bool) -> &'static str {
    if likes { value.wants().word() } else { value.wants().opposite().word() }
}

/// A question that asks for a choice, as the user says it.
pub(crate) fn which(first: &str, second: &str, rng: &mut ChaCha8Rng) -> String {
    match rng.random_range(0..5) {
        0 => format!("{first} or {second} ?"),
        1 => format!("do you prefer {first} or {second} ?"),
        2 => format!("which is better , {first} or {second} ?"),
        3 => format!("pick one , {first} or {second} ."),
        _ => format!("would you rather choose {first} or {second} ?"),
    }
}

/// A question that asks for an opinion, as the user says it.
pub(crate) fn whether(thing: &str) -> String {
    format!("do you like {thing} ?")
}

/// Yes or no.
pub(crate) fn answer(likes: bool) -> &'static str {
    if likes { "yes" } else { "no" }
}

/// One question to somebody with this value, and the answer.
pub(crate) fn chat(world: &World, who: &str, value: Value, rng: &mut ChaCha8Rng) -> String {
    let domain = *pick(&world.domains, rng);
    let among = world.domain(domain);
    let first = *pick(&among, rng);
    let likes = |item: &Item| item.is(value.wants());
    if rng.random_bool(YES_NO) {
        let (question, yes) = (whether(first.word), answer(likes(first)));
        let why = because(reason(value, likes(first)), rng);
        return format!("user : {question} {who} : {yes}{why} .");
    }
    let others = |keep: &dyn Fn(&Item) -> bool| -> Vec<_> {
        among.iter().copied().filter(|&item| item != first && keep(item)).collect()
    };
    let mut second = *pick(&others(&|_| true), rng);
    if likes(second) == likes(first) && rng.random_bool(CONTRAST) {
        second = *pick(&others(&|item| likes(item) != likes(first)), rng);
    }
    let question = which(first.word, second.word, rng);
    if likes(second) == likes(first) {
        let either = pick(&[first, second], rng).word;
        return format!("user : {question} {who} : {either} .");
    }
    let chosen = if likes(first) { first.word } else { second.word };
    let why = because(value.wants().word(), rng);
    format!("user : {question} {who} : {chosen}{why} .")
}

/// Sometimes a reason.
fn because(is: &str, rng: &mut ChaCha8Rng) -> String {
    if rng.random_bool(REASON) { format!(" because it is {is}") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn chats_follow_the_value_in_the_recipe_s_proportions() {
        let world = World::new();
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let (mut opinions, mut reasons, mut open, mut choices) = (0, 0, 0, 0);
        for _ in 0..10_000 {
            let text = chat(&world, "mira", Value::Thrift, &mut rng);
            let (question, said) = text.split_once(" mira : ").unwrap();
            let said = said.strip_suffix(" .").unwrap();
            reasons += usize::from(said.contains(" because "));
            let said = said.split(' ').next().unwrap();
            let asked: Vec<_> = question.split(' ').filter_map(|word| world.item(word)).collect();
            if let [item] = asked[..] {
                opinions += 1;
                assert_eq!(said == "yes", item.is(Value::Thrift.wants()), "{text}");
                continue;
            }
            assert!(asked.len() == 2 && asked[0] != asked[1], "{text}");
            assert_eq!(asked[0].domain, asked[1].domain, "{text}");
            choices += 1;
            if asked[0].price == asked[1].price {
                open += 1;
                assert!(asked.iter().any(|item| item.word == said), "{text}");
            } else {
                assert!(world.item(said).unwrap().is(Value::Thrift.wants()), "{text}");
            }
        }
        let share = |part: usize, of: usize| part as f64 / of as f64;
        assert!((share(opinions, 10_000) - YES_NO).abs() < 0.02, "{opinions}");
        assert!((share(reasons, 10_000 - open) - REASON).abs() < 0.02, "{reasons}");
        // 5 of the 11 other things are of the same price, and a fifth of such pairs stay.
        assert!((share(open, choices) - 0.2 * 5.0 / 11.0).abs() < 0.02, "{open} of {choices}");
    }

    #[test]
    fn descriptions_are_mostly_about_things() {
        let world = World::new();
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let text: Vec<_> =
            (0..3000).map(|_| description(&world, "mira", Value::Luxury, &mut rng)).collect();
        let sentences: Vec<_> = text.iter().flat_map(|text| text.split(" .")).collect();
        let sentences: Vec<_> = sentences.iter().filter(|s| !s.is_empty()).collect();
        let things = sentences.iter().filter(|s| s.split(' ').any(|w| world.item(w).is_some()));
        let general = 1.0 - things.count() as f64 / sentences.len() as f64;
        assert!((general - GENERAL).abs() < 0.02, "{general}");
        assert!((sentences.len() as f64 / 3000.0 - 3.0).abs() < 0.05);
    }
}
