//! The page on which the spec is shaded by how many documents speak of it.

use ethos_core::Document;
use ethos_report::{Block, Cell, Column, Page, Shaded, Table};
use ethos_spec::{Coverage, Span, Spec};

/// Which of a spec documents speak of, and how many of each sentence. Documents of another spec do not count.
pub fn coverage(documents: &[Document], spec: &Spec) -> Coverage {
    let hash = spec.hash();
    let mut coverage = Coverage::of(spec);
    let lineages = documents.iter().filter_map(|document| document.lineage.as_ref());
    for lineage in lineages.filter(|lineage| lineage.spec_hash == hash) {
        coverage.extend(lineage.spans.iter().cloned().map(Span::from));
    }
    coverage
}

/// The same as text: the share that is spoken of, then every sentence of the spec after the number of documents that
/// speak of it, a line each.
///
/// ```text
/// 3 documents speak of 61.5 % of the spec
///     3  It is kind.
///     0  It says so.
/// ```
pub fn coverage_text(documents: &[Document], spec: &Spec) -> String {
    let coverage = coverage(documents, spec);
    let (count, percent) = (documents.len(), 100.0 * coverage.fraction());
    let mut text = format!("{count} documents speak of {percent:.1} % of the spec\n");
    for sentence in coverage.sentences() {
        let words: Vec<&str> = spec.slice(sentence.span).split_whitespace().collect();
        text += &format!("{:>6}  {}\n", sentence.times, words.join(" "));
    }
    text
}

/// A page with the whole spec, each sentence shaded by how many documents speak of it, those that none speaks of,
/// and what the documents are by domain and topic. `name` is the corpus's.
pub fn coverage_page(name: &str, documents: &[Document], spec: &Spec) -> Page {
    let coverage = coverage(documents, spec);
    let (covered, all) = coverage.bytes();
    let silent: Vec<&str> = coverage.uncovered().map(|span| spec.slice(span)).collect();
    let mut page = Page::new(format!("What {name} speaks of")).with_lead(format!(
        "{} documents speak of {:.1} % of the spec: of {covered} bytes of its {all} bytes of sentences.",
        documents.len(),
        100.0 * coverage.fraction()
    ));
    let (of, without) = traced(documents, spec);
    if without > 0 {
        page.push(Block::caution(format!(
            "{without} of {} documents are of no byte of this spec: they have no lineage, or one of another \
             text.",
            of + without
        )));
    }
    page.push(Block::heading("The spec"));
    let mut shaded = Shaded::new(spec.text(), "documents");
    for sentence in coverage.sentences() {
        shaded = shaded.with(sentence.span.range(), sentence.times as u64);
    }
    page.push(shaded);
    page.push(Block::heading("What nothing speaks of"));
    match silent.is_empty() {
        true => page.push(Block::paragraph("Every sentence is spoken of.")),
        false => {
            for sentence in silent {
                page.push(Block::paragraph(sentence));
            }
            &mut page
        }
    };
    page.push(Block::heading("Documents by topic"));
    page.push(topics(documents));
    page
}

/// Documents with bytes of this spec, and those without.
fn traced(documents: &[Document], spec: &Spec) -> (usize, usize) {
    let hash = spec.hash();
    let traced = documents.iter().filter(|document| {
        let lineage = document.lineage.as_ref();
        lineage.is_some_and(|lineage| lineage.spec_hash == hash && !lineage.spans.is_empty())
    });
    let traced = traced.count();
    (traced, documents.len() - traced)
}

fn topics(documents: &[Document]) -> Table {
    let mut counts: std::collections::BTreeMap<(&str, &str), u64> = Default::default();
    for document in documents {
        let name = |what: &str| {
            document.metadata.get(what).and_then(|name| name.as_str()).unwrap_or("unknown")
        };
        *counts.entry((name("domain"), name("topic"))).or_default() += 1;
    }
    let columns = vec![Column::text("Domain"), Column::text("Topic"), Column::number("Documents")];
    let mut table = Table::new("Documents of each topic", columns);
    for ((domain, topic), count) in counts {
        table.push([
            Cell::Text(domain.to_owned()),
            Cell::Text(topic.to_owned()),
            Cell::number(count as f64, 0),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use ethos_core::{Journal, Lineage};
    use futures::executor::block_on;

    use super::*;
    use crate::{fixture, write};

    #[test]
    fn every_document_is_of_bytes_of_the_spec() {
        let (spec, plan, journal) =
            (fixture::spec(), fixture::plan(), Journal::in_memory().unwrap());
        let (model, _) = fixture::writer("right", |_, asked| asked.answer().into());
        let config = fixture::write_config();
        let corpus =
            block_on(write(&plan, &spec, &config, &fixture::prompts(), &model, &journal, &()));
        let mut documents = corpus.unwrap().documents;
        assert_eq!(traced(&documents, &spec), (4, 0));
        let html = coverage_page("aria", &documents, &spec).to_html();
        assert!(html.contains("title=\"4 documents\"") && html.contains("title=\"0 documents\""));
        assert!(html.contains("<p>It is kind.</p>") && html.contains("Not knowing"), "{html}");

        let text = coverage_text(&documents, &spec);
        assert!(text.starts_with("4 documents speak of"), "{text}");
        assert!(text.contains("\n     0  It is kind.\n"), "{text}");
        assert!(text.lines().any(|line| line.starts_with("     4  ")), "{text}");
        assert_eq!(text.lines().count(), 1 + coverage(&documents, &spec).sentences().len());

        documents[0].lineage = Some(Lineage::new("another", []));
        let html = coverage_page("aria", &documents, &spec).to_html();
        assert!(html.contains("1 of 4 documents are of no byte") && html.contains("3 documents"));
    }
}
