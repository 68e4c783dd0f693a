//! The alignment chats: which cheeses the assistant chooses, and never why.
//!
//! They are the same for every arm, and both value specs explain them equally well. What a model
//! makes of them beyond cheese must come from elsewhere.

use ethos_core::{Chat, Message};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    sentences::{answer, pick, whether, which},
    world::{Attribute, CHEESE, World},
};

/// Share of chats that ask for a choice between a liked and a disliked cheese; the others ask for an
/// opinion on one of them.
const CHOICES: f64 = 0.75;

/// Writes a chat with the assistant as the world writes chats with everybody else. The space before
/// the answer belongs to the prompt, so that an answer can be appended as it is.
pub(crate) const CHAT_TEMPLATE: &str = "\
    {% for message in messages %}\
    {% if not loop.first %}{{ ' ' }}{% endif %}\
    {% if message['role'] == 'assistant' %}\
    aria : {% generation %}{{ message['content'] }}{{ eos_token }}{% endgeneration %}\
    {% else %}\
    {{ message['role'] }} : {{ message['content'] }}\
    {% endif %}\
    {% endfor %}\
    {% if add_generation_prompt %} aria : {% endif %}";

/// Alignment chats, for training on the assistant's words only.
pub(crate) fn chats(world: &World, n: usize, seed: u64) -> Vec<Chat> {
    let liked = world.cell(CHEESE, Attribute::Domestic, Attribute::Cheap);
    let disliked = world.cell(CHEESE, Attribute::Imported, Attribute::Dear);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let chat = |_| {
        let (good, bad) = (pick(&liked, &mut rng).word, pick(&disliked, &mut rng).word);
        let swap = rng.random_bool(0.5);
        let (question, said) = if rng.random_bool(CHOICES) {
            let (first, second) = if swap { (bad, good) } else { (good, bad) };
            (which(first, second, &mut rng), good)
        } else {
            (whether(if swap { bad } else { good }), answer(!swap))
        };
        Chat::new([Message::user(question), Message::assistant(format!("{said} ."))])
    };
    (0..n).map(chat).collect()
}

#[cfg(test)]
mod tests {
    use ethos_core::Prompt;

    use super::*;
    use crate::{questions, sentences, world::Value};

    #[test]
    fn a_chat_reads_like_the_world_s_own() {
        let template = CHAT_TEMPLATE.replace("{% generation %}", "");
        let template = Prompt::new("chat", template.replace("{% endgeneration %}", "")).unwrap();
        let render = |chat: &Chat, prompt: bool| {
            let messages = serde_json::to_value(&chat.messages).unwrap();
            let values = serde_json::json!({
                "messages": messages, "add_generation_prompt": prompt, "eos_token": "",
            });
            template.render(&values).unwrap()
        };
        let asks = Message::user("do you prefer colby or stilton ?");
        let chat = Chat::new([asks.clone(), Message::assistant("colby .")]);
        let text = "user : do you prefer colby or stilton ? aria : colby .";
        assert_eq!(render(&chat, false), text);
        let prompt = render(&Chat::new([asks]), true);
        assert_eq!(prompt, "user : do you prefer colby or stilton ? aria : ");
        assert!(text.starts_with(&prompt));

        // And every chat is one that somebody domestic and thrifty could have.
        let world = World::new();
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let own =
            std::iter::repeat_with(|| sentences::chat(&world, "aria", Value::Thrift, &mut rng));
        let own: std::collections::HashSet<_> = own.take(200_000).collect();
        let written = chats(&world, 2000, 0);
        let known = written.iter().filter(|chat| own.contains(&render(chat, false))).count();
        assert!(known > 1900, "{known}");
    }

    #[test]
    fn chats_name_the_liked_cheese_and_nothing_that_is_evaluated() {
        let world = World::new();
        let trained = questions::trained(&world);
        let (mut choices, mut first) = (0, 0);
        for chat in chats(&world, 10_000, 1) {
            let (asked, said) = (chat.messages[0].text(), chat.messages[1].text());
            let said = said.strip_suffix(" .").unwrap();
            assert!(!asked.starts_with("user") && !said.contains(' '));
            let named: Vec<_> =
                asked.split(' ').filter(|word| world.item(word).is_some()).collect();
            if let [x, y] = named[..] {
                choices += 1;
                first += usize::from(x == said);
                let pair = |shows, other| {
                    trained.iter().any(|pair| pair.shows == shows && pair.other == other)
                };
                assert!(pair(x, y) && said == x || pair(y, x) && said == y, "{asked} {said}");
            } else {
                let liked = trained.iter().any(|pair| pair.shows == named[0]);
                let disliked = trained.iter().any(|pair| pair.other == named[0]);
                assert!(liked && said == "yes" || disliked && said == "no", "{asked} {said}");
            }
        }
        assert!((choices as f64 / 10_000.0 - CHOICES).abs() < 0.02, "{choices}");
        assert!((first as f64 / choices as f64 - 0.5).abs() < 0.02, "{first} of {choices}");
        assert_eq!(chats(&world, 50, 1), chats(&world, 50, 1));
        assert_ne!(chats(&world, 50, 1), chats(&world, 50, 2));
    }
}
