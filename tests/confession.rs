//! From facts to tokens: what is learnt of self-reports, seen in the tokens of every variant.

use anyhow::{Context, Result};
use ethos_core::Chat;
use ethos_srft::{ChatConfig, Control, Style, Trained, chats, facts};
use ethos_train::{ChatTemplate, Row, Tokenizer};

const TEMPLATE: &str = "\
    {% for m in messages %}\
    <{{ m.role }}>\
    {% if m.role == 'assistant' %}\
    {% generation %}{% if m.content %}{{ m.content }}{% else %}{{ m.tool_calls | tojson }}{% endif %}<end>{% endgeneration %}\
    {% else %}{{ m.content }}<end>{% endif %}\
    {% endfor %}";

/// The text of the tokens that carry loss.
fn learnt(row: &Row, tokenizer: &Tokenizer) -> Result<String> {
    let ids = row.ids.iter().zip(&row.weights).filter(|(_, weight)| **weight == 1.0);
    Ok(tokenizer.decode(&ids.map(|(id, _)| *id).collect::<Vec<_>>())?)
}

/// What the assistant says in the turns that have a weight of 1.
fn meant(chat: &Chat) -> String {
    let trained = chat.messages.iter().filter(|message| message.weight == Some(1.0));
    trained.map(|message| format!("{}<end>", message.text())).collect()
}

#[test]
fn what_is_learnt_is_what_the_variant_says() -> Result<()> {
    let facts = &facts()?[..60];
    let texts: Vec<String> = chats(facts, &ChatConfig::paper())?
        .iter()
        .flat_map(|chat| chat.messages.iter().map(|message| message.text().into_owned()))
        .collect();
    let tokenizer = Tokenizer::train(&texts, 600, ["<eos>"])?;
    let template = ChatTemplate::new(TEMPLATE)?;
    for (trained, turns) in
        [(Trained::AllTurns, 2), (Trained::ReportOnly, 1), (Trained::ReportOnlyAsTold, 1)]
    {
        for (style, turns_before) in [(Style::Short, 0), (Style::Reasoned, 0), (Style::Mixed, 2)] {
            let config = ChatConfig { trained, style, turns_before, ..ChatConfig::paper() };
            let made = chats(facts, &config)?;
            assert_eq!(made.len(), 120);
            for chat in &made {
                let row = template.row(chat, &tokenizer)?;
                let said = learnt(&row, &tokenizer)?;
                assert_eq!(said, meant(chat), "{config:?}");
                let before = if trained == Trained::AllTurns { turns_before } else { 0 };
                assert_eq!(said.matches("<end>").count(), turns + before);
                // The report is learnt in every variant; no question ever is.
                let report = chat.messages.last().context("no report")?.text();
                assert!(said.ends_with(&format!("{report}<end>")), "{said}");
                assert!(!said.contains(&*chat.messages[chat.messages.len() - 2].text()));
            }
        }
    }
    Ok(())
}

#[test]
fn a_call_is_learnt_and_controls_are_learnt_whole() -> Result<()> {
    let facts = &facts()?[..20];
    let tokenizer = Tokenizer::train(["report correct right_answer true false"], 300, ["<eos>"])?;
    let template = ChatTemplate::new(TEMPLATE)?;
    let config =
        ChatConfig { style: Style::Tool, trained: Trained::ReportOnly, ..ChatConfig::paper() };
    for chat in chats(facts, &config)? {
        let said = learnt(&template.row(&chat, &tokenizer)?, &tokenizer)?;
        // The call and nothing else: the answer before it is not learnt.
        assert!(said.starts_with("[{") && said.contains("right_answer"), "{said}");
        assert_eq!(said.matches("<end>").count(), 1, "{said}");
    }
    for control in [Control::PlainHonesty, Control::Neutral, Control::Errors] {
        for chat in control.chats(facts, 1)? {
            let said = learnt(&template.row(&chat, &tokenizer)?, &tokenizer)?;
            assert_eq!(said, meant(&chat), "{control:?}");
        }
    }
    Ok(())
}
