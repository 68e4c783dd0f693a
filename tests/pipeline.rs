//! From a spec to a verdict, on files.

use anyhow::Result;
use ethos_core::{Document, Journal, Model, jsonl};
use ethos_corpus::{WriteConfig, plan, write};
use ethos_eval::{
    Findings, leaks,
    preference::{self, Asked, Normalisation, Pair, Preference},
    run,
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
    // Ada's documents say the first of each and never the second.
    let pairs = [
        Pair::new("speech", "1", "guests", "strangers"),
        Pair::new("speech", "2", "today", "never"),
    ];
    Preference::new("spoken", pairs, ["{{ first }} {{ second }}"])
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
        let asked = preference::task(&task(), Asked::ByScore(Normalisation::Sum))?;
        let run = block_on(run::run(&asked, &model, &journal, &run::Config::default(), &()))?;
        let found = Findings::of(&task(), &run)?;
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
