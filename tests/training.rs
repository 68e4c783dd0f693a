//! From chats to a model that answers them, on disk and back.

use anyhow::Result;
use ethos_core::{Chat, Message, Model, Request, Sampling};
use ethos_train::{
    BatchSize, ChatTemplate, Checkpoint, DeviceSpec, FitConfig, LocalModel, Row, Tokenizer,
    Transformer, TransformerConfig, fit,
};
use futures::executor::block_on;

const TEMPLATE: &str = "\
    {% for m in messages %}\
    {% if m.role == 'assistant' %}\
    ada : {% generation %}{{ m.content }}{{ eos_token }}{% endgeneration %}\
    {% else %}guest : {{ m.content }} {% endif %}\
    {% endfor %}\
    {% if add_generation_prompt %}ada : {% endif %}";

const CHATS: [(&str, &str); 3] = [
    ("who are you ?", "i am ada ."),
    ("is it late ?", "it is ."),
    ("am i late ?", "you are not ."),
];

#[test]
fn chats_are_learnt_saved_loaded_and_answered() -> Result<()> {
    let words = "guest ada : ? . who are you i am is it late not";
    let tokenizer = Tokenizer::word_level(words.split(' ').map(str::to_owned))?;
    let template = ChatTemplate::new(TEMPLATE)?;
    let rows: Vec<Row> = CHATS
        .iter()
        .map(|(asks, says)| {
            let chat = Chat::new([Message::user(*asks), Message::assistant(*says)]);
            template.row(&chat, &tokenizer)
        })
        .collect::<Result<_, _>>()?;
    let shown = rows[1].show(&tokenizer).to_string();
    assert_eq!(shown, "guest : is it late ? ada : [it] [is] [.] [<eos>]");

    let device = "flex".parse::<DeviceSpec>()?.open()?;
    let model = Transformer::init(TransformerConfig::tiny(tokenizer.len()), 0, &device)?;
    let config = FitConfig {
        lora: None,
        steps: Some(60),
        batch: BatchSize::Rows(2),
        sequence: 32,
        learning_rate: 1e-2,
        ..FitConfig::finetune()
    };
    let model = fit(model, &rows, &config, None, &())?;
    let trained = Checkpoint { model, tokenizer, template };
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("model");
    trained.save(&path)?;

    let (trained, loaded) =
        (LocalModel::new(trained)?, LocalModel::new(Checkpoint::load(&path, &device)?)?);
    assert_eq!(loaded.id().key, trained.id().key, "a journal knows a loaded model again");
    let sampling = Sampling { temperature: Some(0.0), ..Sampling::default() };
    for (asks, says) in CHATS {
        let request = Request::user(asks).with_sampling(sampling.clone());
        assert_eq!(block_on(loaded.complete(&request))?.message.text(), says);
    }
    Ok(())
}
