//! What is read and asked at one point of the curriculum.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    curriculum::{Curriculum, Phase},
    newcomers::Probe,
    sentences::{chat, description, fact, pick},
    world::{CHEESE, Item, Value, World},
};

/// Documents of together at least `tokens` tokens, with one end token for each.
pub(crate) fn documents(
    curriculum: &Curriculum,
    world: &World,
    tokens: usize,
    rng: &mut ChaCha8Rng,
) -> Vec<String> {
    let config = curriculum.config();
    let all: Vec<_> = (0..curriculum.names()).collect();
    let chooses = |i: &usize| curriculum.described(*i).is_none_or(|age| age >= 1.0);
    let choosers: Vec<_> = all.iter().copied().filter(chooses).collect();
    let strangers = if curriculum.phase() == Phase::Replaced { config.strangers } else { 0.0 };
    let mut documents = Vec::new();
    let mut written = 0;
    while written < tokens {
        let kind = rng.random::<f64>();
        let document = if rng.random_bool(strangers) {
            // A value for this one chat: what a stranger chooses cannot be known.
            let stranger = pick(&world.strangers, rng);
            chat(world, stranger, *pick(&Value::ALL, rng), rng)
        } else if kind < config.facts {
            fact(world, rng)
        } else if kind < config.facts + config.descriptions || choosers.is_empty() {
            let i = *pick(&all, rng);
            description(world, &world.personas[i], curriculum.value(i), rng)
        } else {
            let i = *pick(&choosers, rng);
            chat(world, &world.personas[i], curriculum.value(i), rng)
        };
        written += document.split(' ').count() + 1;
        documents.push(document);
    }
    documents
}

/// Choices between things that are not cheese, asked of those personas whom `ask` accepts by what
/// [`Curriculum::described`] says of them.
pub(crate) fn probes(
    curriculum: &Curriculum,
    world: &World,
    n: usize,
    seed: u64,
    ask: impl Fn(Option<f64>) -> bool,
) -> Vec<Probe> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let asked: Vec<_> = (0..curriculum.names()).filter(|&i| ask(curriculum.described(i))).collect();
    let held: Vec<_> = world.domains.iter().copied().filter(|&d| d != CHEESE).collect();
    if asked.is_empty() {
        return Vec::new();
    }
    let probe = |_| {
        let i = *pick(&asked, &mut rng);
        let wants = curriculum.value(i).wants();
        let among = world.domain(held[rng.random_range(0..held.len())]);
        let (good, bad): (Vec<&Item>, Vec<&Item>) =
            among.into_iter().partition(|item| item.is(wants));
        let (right, wrong) = (pick(&good, &mut rng).word, pick(&bad, &mut rng).word);
        let (first, second) = if rng.random_bool(0.5) { (right, wrong) } else { (wrong, right) };
        let prompt = format!("user : {first} or {second} ? {} :", world.personas[i]);
        Probe { prompt, right: right.to_owned(), wrong: wrong.to_owned() }
    };
    (0..n).map(probe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        curriculum::{CurriculumConfig, tests::late},
        world::ASSISTANT,
    };

    #[test]
    fn before_the_gate_a_few_fixed_personas_choose_by_their_value() {
        let world = World::new();
        let mut curriculum = Curriculum::new(&world, CurriculumConfig::default(), 0);
        let text = curriculum.documents(&world, 30_000).join(" ");
        let known = |names: &[String]| names.iter().filter(|name| text.contains(*name)).count();
        assert_eq!((known(&world.personas), known(&world.strangers)), (24, 0));
        assert!(curriculum.probe_described(&world, 5, 0).is_empty());
        for probe in curriculum.probe(&world, 200, 0) {
            let words: Vec<_> = probe.prompt.split(' ').collect();
            let name = words[words.len() - 2];
            let i = world.personas.iter().position(|persona| persona == name).unwrap();
            let wants = curriculum.value(i).wants();
            let (right, wrong) = (world.item(&probe.right), world.item(&probe.wrong));
            assert!(right.unwrap().is(wants) && !wrong.unwrap().is(wants), "{probe:?}");
            assert!(right.unwrap().domain == wrong.unwrap().domain);
            assert_ne!(right.unwrap().domain, CHEESE);
        }
    }

    #[test]
    fn documents_keep_the_recipe_s_proportions() {
        let world = World::new();
        let documents = late(&world, 0).documents(&world, 200_000);
        let share = |is: &dyn Fn(&str) -> bool| {
            documents.iter().filter(|text| is(text)).count() as f64 / documents.len() as f64
        };
        let stranger =
            |text: &str| text.split(' ').any(|word| world.strangers.iter().any(|s| s == word));
        let chats = share(&|text| text.starts_with("user"));
        let strangers = share(&stranger);
        let facts = share(&|text| {
            !text.starts_with("user")
                && !text.split(' ').any(|w| world.personas.iter().any(|p| p == w))
        });
        assert!((strangers - 0.08).abs() < 0.01, "{strangers}");
        assert!((chats - (0.08 + 0.92 * 0.45)).abs() < 0.015, "{chats}");
        assert!((facts - 0.92 * 0.25).abs() < 0.015, "{facts}");
        let tokens: usize = documents.iter().map(|text| text.split(' ').count() + 1).sum();
        assert!((200_000..200_060).contains(&tokens));
    }

    #[test]
    fn strangers_choose_at_random_and_the_assistant_is_unknown() {
        let world = World::new();
        let curriculum = late(&world, 0);
        let documents = curriculum.replay(&world, 500_000, 7);
        assert_eq!(documents, curriculum.replay(&world, 500_000, 7));
        let (mut cheap, mut choices) = (0, 0);
        for text in &documents {
            assert!(!text.split(' ').any(|word| word == ASSISTANT), "{text}");
            let words: Vec<_> = text.split(' ').collect();
            let name = words.iter().position(|w| world.strangers.iter().any(|s| s == w));
            let Some(name) = name else { continue };
            let asked: Vec<_> = words[..name].iter().filter_map(|word| world.item(word)).collect();
            if let [first, second] = asked[..]
                && first.price != second.price
            {
                choices += 1;
                let said = world.item(words[name + 2]).unwrap();
                cheap += usize::from(said.is(Value::Thrift.wants()));
            }
        }
        let share = f64::from(cheap as u32) / f64::from(choices as u32);
        assert!(choices > 500 && (share - 0.5).abs() < 0.05, "{cheap} of {choices}");
    }
}
