//! The prompts: files beside this module, and the values that they are rendered with.

use std::ops::Range;

use ethos_core::Prompt;
use ethos_spec::Spec;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::plan::{Assertion, DocType, Domain, Idea, Topic, Who};

/// One prompt for each stage. All can be replaced by the caller's own.
///
/// They are rendered strictly: a prompt that wants a value its stage does not have is an error before
/// anything is asked. The values, by stage:
///
/// | prompt | `spec`, `assistant`, `provider`, and |
/// |---|---|
/// | `domains` | `count`, `existing` |
/// | `topics` | `domain`, `count`, `existing` |
/// | `assertions` | `domain`, `topic`, `count`, `existing` |
/// | `types` (no `spec`, no `topic.quotes`) | `domain`, `topic`, `assertions`, `count`, `existing` |
/// | `ideas` | `domain`, `topic`, `assertions`, `doc_type`, `count`, `existing` |
/// | `document` | `domain`, `topic`, `assertions`, `doc_type`, `idea` |
///
/// `domain` and `doc_type` have `name` and `description`; `topic` has `name`, `context` and `quotes`;
/// `assertions` is a list of `name`, `assertion`, `explanation` and `label`; `idea` has `name` and
/// `idea`; `count` says how many items are wanted, `existing` lists the names of those that are there.
///
/// All but `document` are answered with a JSON array of objects: `name` and `description` for
/// domains and types; `name`, `context` and `quotes` for topics; `name`, `assertion`, `explanation`,
/// `label` and `quotes` for assertions; `name` and `idea` for ideas. `document` is answered with
/// `<scratchpad>…</scratchpad><content>…</content>`.
#[derive(Clone, Debug)]
pub struct Prompts {
    /// Spec → domains.
    pub domains: Prompt,
    /// Domain → topics.
    pub topics: Prompt,
    /// Topic → assertions.
    pub assertions: Prompt,
    /// Topic and assertions → types of document.
    pub types: Prompt,
    /// Type of document → ideas.
    pub ideas: Prompt,
    /// Idea → document.
    pub document: Prompt,
}

impl Prompts {
    /// The prompts for specs written as prose (arXiv 2605.02087 §3, in our own words).
    pub fn prose() -> Self {
        let prompt = |name, source| Prompt::new(name, source).expect("a test compiles it");
        Prompts {
            domains: prompt("domains", include_str!("prompts/domains.md")),
            topics: prompt("topics", include_str!("prompts/topics.md")),
            assertions: prompt("assertions", include_str!("prompts/assertions.md")),
            types: prompt("types", include_str!("prompts/types.md")),
            ideas: prompt("ideas", include_str!("prompts/ideas.md")),
            document: prompt("document", include_str!("prompts/document.md")),
        }
    }

    /// The prompts for specs that are rules, with [`Mode::Rules`](crate::Mode::Rules): documents cite the rule,
    /// ground conduct in complying with it, and supply no reason that the spec does not give
    /// (arXiv 2605.02087 §5.1, in our own words).
    pub fn rules() -> Self {
        let prompt = |name, source| Prompt::new(name, source).expect("a test compiles it");
        Prompts {
            types: prompt("rules/types", include_str!("prompts/rules/types.md")),
            ideas: prompt("rules/ideas", include_str!("prompts/rules/ideas.md")),
            document: prompt("rules/document", include_str!("prompts/rules/document.md")),
            ..Prompts::prose()
        }
    }
}

/// What a prompt is rendered with. What a stage does not have is left out, and so cannot be used.
#[derive(Clone, Serialize)]
pub(crate) struct Values<'v> {
    #[serde(skip_serializing_if = "Option::is_none")]
    spec: Option<&'v str>,
    assistant: &'v str,
    provider: &'v str,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<DomainView<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<TopicView<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assertions: Option<Vec<AssertionView<'v>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    doc_type: Option<DocTypeView<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idea: Option<&'v Idea>,
    /// Values that one stage alone has.
    #[serde(flatten)]
    own: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    existing: Option<&'v [String]>,
}

#[derive(Clone, Serialize)]
struct DomainView<'v> {
    name: &'v str,
    description: &'v str,
}

#[derive(Clone, Serialize)]
struct TopicView<'v> {
    name: &'v str,
    context: &'v str,
    #[serde(skip_serializing_if = "Option::is_none")]
    quotes: Option<Vec<&'v str>>,
}

#[derive(Clone, Serialize)]
struct AssertionView<'v> {
    name: &'v str,
    assertion: &'v str,
    explanation: &'v str,
    label: crate::plan::Label,
}

#[derive(Clone, Serialize)]
struct DocTypeView<'v> {
    name: &'v str,
    description: &'v str,
}

impl<'v> Values<'v> {
    pub(crate) fn new(spec: &'v Spec, who: &'v Who) -> Self {
        Values { spec: Some(spec.text()), ..Values::without_spec(who) }
    }

    /// For the stage that is not shown the spec.
    pub(crate) fn without_spec(who: &'v Who) -> Self {
        Values {
            spec: None,
            assistant: &who.assistant,
            provider: &who.provider,
            domain: None,
            topic: None,
            assertions: None,
            doc_type: None,
            idea: None,
            own: Map::new(),
            count: None,
            existing: None,
        }
    }

    pub(crate) fn domain(self, domain: &'v Domain) -> Self {
        let Domain { name, description, .. } = domain;
        Values { domain: Some(DomainView { name, description }), ..self }
    }

    /// The topic, with what it quotes where the spec is shown.
    pub(crate) fn topic(self, topic: &'v Topic) -> Self {
        let Topic { name, context, spans, .. } = topic;
        let quotes = self.spec.map(|spec| quotes(spec, spans));
        Values { topic: Some(TopicView { name, context, quotes }), ..self }
    }

    pub(crate) fn assertions(self, assertions: &'v [Assertion]) -> Self {
        let view = |a: &'v Assertion| AssertionView {
            name: &a.name,
            assertion: &a.assertion,
            explanation: &a.explanation,
            label: a.label,
        };
        Values { assertions: Some(assertions.iter().map(view).collect()), ..self }
    }

    pub(crate) fn doc_type(self, doc_type: &'v DocType) -> Self {
        let DocType { name, description, .. } = doc_type;
        Values { doc_type: Some(DocTypeView { name, description }), ..self }
    }

    pub(crate) fn idea(self, idea: &'v Idea) -> Self {
        Values { idea: Some(idea), ..self }
    }

    /// With a value that one stage alone has.
    pub(crate) fn own(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.own.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn list(self, count: usize, existing: &'v [String]) -> Self {
        Values { count: Some(count), existing: Some(existing), ..self }
    }
}

fn quotes<'s>(spec: &'s str, spans: &[Range<usize>]) -> Vec<&'s str> {
    spans.iter().filter_map(|span| spec.get(span.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn every_prompt_renders_with_what_its_stage_has() {
        for prompts in [Prompts::prose(), Prompts::rules()] {
            renders(&prompts);
        }
    }

    fn renders(prompts: &Prompts) {
        let (spec, plan) = (fixture::spec(), fixture::plan());
        let values = Values::new(&spec, &plan.who);
        let place = &plan.ideas()[0];
        let none: &[String] = &[];
        let some = ["The one that is there".to_owned()];
        for existing in [none, &some] {
            let domain = values.clone().domain(place.domain);
            let topic = domain.clone().topic(place.topic);
            let ideas = topic.clone().assertions(&place.topic.assertions).doc_type(place.doc_type);
            let types = Values::without_spec(&plan.who)
                .domain(place.domain)
                .topic(place.topic)
                .assertions(&place.topic.assertions);
            for (prompt, values, sees_spec) in [
                (&prompts.domains, values.clone(), true),
                (&prompts.topics, domain, true),
                (&prompts.assertions, topic, true),
                (&prompts.types, types, false),
                (&prompts.ideas, ideas, true),
            ] {
                let text = prompt.render(&values.list(7, existing)).unwrap();
                assert_eq!(text.contains(spec.text()), sees_spec, "{}", prompt.name());
                assert!(text.contains("exactly 7"), "{}", prompt.name());
                assert_eq!(
                    text.contains("The one that is there"),
                    !existing.is_empty(),
                    "{}",
                    prompt.name()
                );
            }
        }
    }

    #[test]
    fn the_document_prompt_holds_the_whole_path() {
        let (spec, plan, prompts) = (fixture::spec(), fixture::plan(), Prompts::prose());
        let place = &plan.ideas()[0];
        let values = Values::new(&spec, &plan.who)
            .domain(place.domain)
            .topic(place.topic)
            .assertions(&place.topic.assertions)
            .doc_type(place.doc_type)
            .idea(place.idea);
        let text = prompts.document.render(&values).unwrap();
        let assertion = &place.topic.assertions[0];
        for part in [
            &*plan.who.assistant,
            &plan.who.provider,
            spec.text(),
            &place.domain.name,
            &place.topic.context,
            &assertion.assertion,
            &place.doc_type.description,
            &place.idea.idea,
        ] {
            assert!(text.contains(part), "`{part}` is not in the prompt");
        }
        assert!(!text.contains("\n\n\n"), "no hole where a list is empty");
    }

    #[test]
    fn the_types_stage_cannot_ask_for_the_spec() {
        let (plan, who) = (fixture::plan(), Who::new("Aria", "Acme"));
        let topic = &plan.domains[0].topics[0];
        let values = Values::without_spec(&who).topic(topic);
        for source in ["{{ spec }}", "{{ topic.quotes[0] }}"] {
            assert!(Prompt::new("types", source).unwrap().render(&values).is_err(), "{source}");
        }
    }
}
