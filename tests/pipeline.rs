//! From a spec to a verdict, on files.

use anyhow::Result;
use ethos_core::{Document, Journal, Model, jsonl};
use ethos_corpus::{WriteConfig, plan, write};
use ethos_eval::{
    leaks,
    preference::{self, Pair, Preference},
};
use ethos_train::{
    BatchSize, ChatTemplate, Checkpoint, DeviceSpec, FitConfig, LocalModel, Row, Tokenizer,
    Transformer, TransformerConfig, fit,
};
use futures::executor::block_on;

use crate::village;

/// Plans and writes, and gives the corpus's file with how many documents came from the journal.
fn corpus(journal: &Journal, path: &std::path::Path) -> Result<(String, u64)> {
    let (spec, prompts, model) = (village::spec(), village::prompts(), village::writer());
    let (plan, planned) =
        block_on(plan(&spec, &village::config(4), &prompts, &model, journal, &()))?;
    assert!(planned.is_complete(), "{:?}", planned.shortfalls);
    let write =
        block_on(write(&plan, &spec, &WriteConfig::paper(), &prompts, &model, journal, &()))?;
    assert!(write.report.is_complete(), "{:?}", write.report.missing);
    assert_eq!(write.documents.len(), 24);
    let spoken = write.coverage(&spec).fraction();
    assert!((0.4..0.9).contains(&spoken), "both rules are quoted in part: {spoken}");
    write.write(path)?;
    Ok((std::fs::read_to_string(path)?, write.report.requests.reused))
}

fn task() -> Preference {
    let pair = |id: &str, shows: &str, other: &str| Pair {
        domain: "speech".to_owned(),
        id: id.to_owned(),
        shows: shows.to_owned(),
        other: other.to_owned(),
    };
    Preference {
        name: "spoken".to_owned(),
        // Ada's documents say the first of each and never the second.
        pairs: vec![pair("1", "guests", "strangers"), pair("2", "today", "never")],
        phrasings: vec!["{{ first }} {{ second }}".to_owned()],
    }
}

#[test]
fn a_spec_becomes_a_corpus_a_model_and_a_number() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let journal = Journal::open(folder.path().join("journal.redb"))?;
    let path = folder.path().join("corpus.jsonl");
    let (first, reused) = corpus(&journal, &path)?;
    assert_eq!(reused, 0);
    let again = corpus(&journal, &path)?;
    assert_eq!(again, (first, 24), "a rerun asks nothing and writes the same bytes");

    // Another program, or another day: only the file is left.
    let documents: Vec<Document> = jsonl::read_all(&path)?;
    let lineage = documents[0].lineage.as_ref().expect("every document has one");
    let spec = village::spec();
    let said = &spec.text()[lineage.spans[0].clone()];
    assert!(said.starts_with("Ada greets") || said.starts_with("Ada says"), "{said}");

    let words = village::WORDS.into_iter().chain(["strangers", "never"]);
    let tokenizer = Tokenizer::word_level(words.map(str::to_owned))?;
    let rows: Vec<Row> =
        documents.iter().map(|d| tokenizer.document(&d.text)).collect::<Result<_, _>>()?;
    let device = DeviceSpec::Flex.open()?;
    let base = Transformer::init(TransformerConfig::tiny(tokenizer.len()), 0, &device)?;
    let config = FitConfig {
        lora: None,
        steps: Some(30),
        batch: BatchSize::Rows(4),
        sequence: 32,
        learning_rate: 1e-2,
        ..FitConfig::midtrain()
    };
    let trained = fit(base.clone(), &rows, &config, None, &())?;

    let template = ChatTemplate::new("{% for m in messages %}{{ m.content }} {% endfor %}")?;
    let rate = |model: Transformer| -> Result<f64> {
        let (tokenizer, template) = (tokenizer.clone(), template.clone());
        let model = LocalModel::new(Checkpoint { model, tokenizer, template })?;
        let config = preference::Config::default();
        let found = block_on(preference::run(&task(), &model, &journal, &config, &()))?;
        assert_eq!(found.model, model.id().key);
        Ok(found.probability().expect("all pairs are scored"))
    };
    let (before, after) = (rate(base)?, rate(trained)?);
    assert!(after > 0.8 && before < 0.65, "{before} {after}");

    // And here the number means nothing but memory: the task is in the corpus.
    let leaked = leaks(&task(), documents.iter().map(|d| d.text.as_str()))?;
    assert!(!leaked.is_empty());
    Ok(())
}
