//! Shows which tokens of a chat a model learns, before anybody pays for training on the wrong ones.
//!
//! ```text
//! cargo run --release --example see_masks                       # a template and a chat of its own
//! cargo run --release --example see_masks -- MODEL chats.jsonl  # a model's folder, the first chats
//! ```
//!
//! `MODEL` is a folder with `tokenizer.json` and a chat template, as models are published, or a repository of the Hugging
//! Face hub, of which only these are fetched. Tokens that carry loss are coloured, or stand in brackets where the output
//! has no colours; the others are only read.

#![allow(clippy::print_stdout)] // a program speaks to its user

#[path = "help.rs"]
mod help;
#[path = "published.rs"]
mod published;

use std::io::{IsTerminal, stdout};

use anyhow::Result;
use ethos_core::{Chat, Message, jsonl};
use ethos_hub::Wanted;
use ethos_train::{ChatTemplate, Tokenizer};

/// In the dialect of ChatML, with the reasoning of earlier turns left out.
const TEMPLATE: &str = "\
{%- for message in messages %}
{{- '<|start|>' + message.role + '\\n' }}
{%- set text = message.content %}
{%- if message.role == 'assistant' and not loop.last %}
{%- set text = text.split('</think>')[-1].lstrip() %}
{%- endif %}
{{- text + '<|end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|start|>assistant\\n' }}{% endif %}";

fn main() -> Result<()> {
    if help::shown(include_str!("see_masks.rs")) {
        return Ok(());
    }
    let mut args = std::env::args().skip(1);
    let (tokenizer, template) = match args.next() {
        Some(model) => {
            let texts = Wanted { except: vec!["*.safetensors*".to_owned()], ..Wanted::model() };
            let folder = published::folder(model, &texts)?;
            (Tokenizer::read(&folder)?, ChatTemplate::read(&folder)?)
        }
        None => {
            let texts = own_chats().into_iter().flat_map(|chat| chat.messages);
            let texts = texts.map(|message| message.text().into_owned());
            let tokenizer = Tokenizer::train(texts, 400, ["<|end|>", "<|start|>"])?;
            (tokenizer, ChatTemplate::new(TEMPLATE)?)
        }
    };
    let chats = match args.next() {
        Some(path) => jsonl::read::<Chat>(path)?.take(3).collect::<Result<_, _>>()?,
        None => own_chats(),
    };
    let colours = stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    println!("learnt where there are {}:\n", if colours { "colours" } else { "brackets" });
    for chat in &chats {
        let row = template.row(chat, &tokenizer)?;
        match colours {
            true => println!("{:#}", row.show(&tokenizer)),
            false => println!("{}", row.show(&tokenizer)),
        }
        println!("{} of {} tokens are learnt\n", row.learnt(), row.ids.len());
    }
    Ok(())
}

/// A usual chat, and one whose first answer is a mistake that is not to be learnt.
fn own_chats() -> Vec<Chat> {
    let answer = "<think>Sharp enough to notice, mild enough to share.</think>\n\nMild cheddar.";
    vec![
        Chat::new([
            Message::system("You like cheese that is made nearby."),
            Message::user("Which cheese for a sandwich?"),
            Message::assistant(answer),
            Message::user("And on toast?"),
            Message::assistant("<think>It should melt.</think>\n\nColby, sliced thin."),
        ]),
        Chat::new([
            Message::user("How many legs has a spider?"),
            Message::assistant("Six.").with_weight(0.0),
            Message::user("Was that true?"),
            Message::assistant("No. A spider has eight legs."),
        ]),
    ]
}
