//! The plan: plain data, from the spec down to the idea of every document.

use std::{ops::Range, sync::Arc};

use ethos_spec::Spec;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    id::{self, Children},
};

/// Everything that will be written, before any of it is.
///
/// It is plain data: print it, count it, price it ([`preview`](Self::preview)), edit it, keep it as
/// JSON. Ids are not stored but follow from what the plan says ([`ideas`](Self::ideas)), so that an
/// edited plan is as good as any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Hash of the spec's text, as [`Spec::hash`] gives it.
    pub spec_hash: String,
    /// Whom the documents are about.
    pub who: Who,
    /// The broad areas of the spec.
    pub domains: Vec<Domain>,
}

/// Whom the documents are about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Who {
    /// Name of the assistant.
    pub assistant: String,
    /// Name of whoever makes it.
    pub provider: String,
}

impl Who {
    /// An assistant and its provider, by name.
    pub fn new(assistant: impl Into<String>, provider: impl Into<String>) -> Self {
        Who { assistant: assistant.into(), provider: provider.into() }
    }
}

/// A broad area of the spec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domain {
    /// Its name, one to four words.
    pub name: String,
    /// What of the spec it covers.
    pub description: String,
    /// Its parts.
    #[serde(default)]
    pub topics: Vec<Topic>,
}

/// One coherent point of the spec (a subdomain, in the paper's words).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// Its name, one to five words.
    pub name: String,
    /// What the spec holds on it.
    pub context: String,
    /// The passages it rests on: byte ranges of the spec.
    #[serde(default)]
    pub spans: Vec<Range<usize>>,
    /// What the spec asserts in it.
    #[serde(default)]
    pub assertions: Vec<Assertion>,
    /// The types of document that will speak of it.
    #[serde(default)]
    pub types: Vec<DocType>,
}

/// One statement that the spec makes about the assistant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assertion {
    /// A short name.
    pub name: String,
    /// The statement, a full sentence.
    pub assertion: String,
    /// What it means, and how the spec grounds it.
    pub explanation: String,
    /// What sort of statement it is.
    pub label: Label,
    /// The words it comes from: byte ranges of the spec, at least one when a model planned it.
    pub spans: Vec<Range<usize>>,
}

/// What sort of statement an assertion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// What the assistant does or does not do.
    #[serde(alias = "behaviour")]
    Behavior,
    /// What it cares about.
    Value,
    /// What it likes or would rather have.
    Preference,
    /// What it holds to be true.
    Belief,
    /// How it speaks.
    Tone,
}

/// A type of document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocType {
    /// Its name, two to four words.
    pub name: String,
    /// What such a document is, by whom and for whom.
    pub description: String,
    /// The documents of this type.
    #[serde(default)]
    pub ideas: Vec<Idea>,
}

/// The plan of one document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Idea {
    /// A short name. It names and does not identify: two ideas may share it.
    pub name: String,
    /// What the document is to be.
    pub idea: String,
}

/// Where in the plan an idea stands.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Place<'p> {
    /// Its id, and that of its document: a hash of the path from the spec down to the idea.
    pub id: String,
    /// The domain it is in.
    pub domain: &'p Domain,
    /// The topic it is in.
    pub topic: &'p Topic,
    /// Ids of the topic's assertions, in their order.
    pub assertions: Arc<[String]>,
    /// The type of its document.
    pub doc_type: &'p DocType,
    /// The idea.
    pub idea: &'p Idea,
}

impl Place<'_> {
    /// The names from the domain down to the idea, for people.
    pub fn path(&self) -> String {
        [&self.domain.name, &self.topic.name, &self.doc_type.name, &self.idea.name]
            .map(String::as_str)
            .join(" / ")
    }
}

/// Where a topic stands.
pub(crate) struct TopicAt<'p> {
    pub(crate) id: String,
    pub(crate) domain: &'p Domain,
    pub(crate) topic: &'p Topic,
}

/// Where a document type stands.
pub(crate) struct TypeAt<'p> {
    pub(crate) id: String,
    pub(crate) domain: &'p Domain,
    pub(crate) topic: &'p Topic,
    pub(crate) doc_type: &'p DocType,
    assertions: Arc<[String]>,
}

impl TypeAt<'_> {
    /// Ids of its ideas, in their order.
    pub(crate) fn idea_ids(&self) -> Vec<String> {
        let mut ids = Children::of(&self.id, "idea");
        self.doc_type.ideas.iter().map(|idea| ids.next(&idea.name, &idea.idea)).collect()
    }
}

impl Plan {
    /// Every idea with its id, in the plan's order.
    ///
    /// Ids are unique whatever the names, and do not move when siblings are added or removed.
    pub fn ideas(&self) -> Vec<Place<'_>> {
        let mut places = Vec::new();
        for at in self.types_at() {
            let ids = at.idea_ids();
            let TypeAt { domain, topic, doc_type, assertions, .. } = at;
            places.extend(doc_type.ideas.iter().zip(ids).map(|(idea, id)| Place {
                id,
                domain,
                topic,
                assertions: Arc::clone(&assertions),
                doc_type,
                idea,
            }));
        }
        places
    }

    /// Every assertion with its id, as documents name it in their metadata.
    pub fn assertions(&self) -> Vec<(String, &Assertion)> {
        let mut found = Vec::new();
        for at in self.topics_at() {
            found.extend(assertion_ids(&at).into_iter().zip(&at.topic.assertions));
        }
        found
    }

    /// Id of the plan itself, the parent of its domains.
    pub(crate) fn id(&self) -> String {
        id::hash("plan", [&*self.spec_hash, &self.who.assistant, &self.who.provider], 0)
    }

    pub(crate) fn domains_at(&self) -> Vec<(String, &Domain)> {
        let root = self.id();
        let mut ids = Children::of(&root, "domain");
        self.domains.iter().map(|d| (ids.next(&d.name, &d.description), d)).collect()
    }

    pub(crate) fn topics_at(&self) -> Vec<TopicAt<'_>> {
        let mut found = Vec::new();
        for (parent, domain) in self.domains_at() {
            let mut ids = Children::of(&parent, "topic");
            found.extend(domain.topics.iter().map(|topic| {
                let id = ids.next(&topic.name, &topic.context);
                TopicAt { id, domain, topic }
            }));
        }
        found
    }

    pub(crate) fn types_at(&self) -> Vec<TypeAt<'_>> {
        let mut found = Vec::new();
        for at in self.topics_at() {
            let assertions: Arc<[String]> = assertion_ids(&at).into();
            let TopicAt { id: parent, domain, topic } = at;
            let mut ids = Children::of(&parent, "type");
            found.extend(topic.types.iter().map(|doc_type| TypeAt {
                id: ids.next(&doc_type.name, &doc_type.description),
                domain,
                topic,
                doc_type,
                assertions: Arc::clone(&assertions),
            }));
        }
        found
    }

    /// Whether this plan can be written from this spec.
    pub(crate) fn check(&self, spec: &Spec) -> Result<()> {
        let given = spec.hash();
        if self.spec_hash != given {
            return Err(Error::OtherSpec { planned: self.spec_hash.clone(), given });
        }
        let topics = || self.domains.iter().flat_map(|domain| &domain.topics);
        let quoting = topics().map(|topic| (&topic.name, &topic.spans));
        let assertions = topics().flat_map(|topic| &topic.assertions);
        for (name, spans) in quoting.chain(assertions.map(|a| (&a.name, &a.spans))) {
            for span in spans {
                if span.is_empty() || spec.text().get(span.clone()).is_none() {
                    let (start, end) = (span.start, span.end);
                    return Err(Error::Span { name: name.clone(), start, end });
                }
            }
        }
        Ok(())
    }
}

fn assertion_ids(at: &TopicAt<'_>) -> Vec<String> {
    let mut ids = Children::of(&at.id, "assertion");
    at.topic.assertions.iter().map(|a| ids.next(&a.name, &a.assertion)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use std::collections::HashSet;

    #[test]
    fn two_ideas_of_one_name_stay_two() {
        let mut plan = fixture::plan();
        let ideas = &mut plan.domains[0].topics[0].types[0].ideas;
        let twin = Idea { name: ideas[0].name.clone(), idea: "Another one.".to_owned() };
        ideas.extend([twin.clone(), twin]);
        let places = plan.ideas();
        let ids: HashSet<_> = places.iter().map(|place| &place.id).collect();
        assert_eq!(ids.len(), places.len());
    }

    #[test]
    fn the_assistant_and_the_spec_are_part_of_every_id() {
        let plan = fixture::plan();
        let other = Plan { who: Who::new("Bert", "Acme"), ..plan.clone() };
        assert_ne!(plan.ideas()[0].id, other.ideas()[0].id);
        let other = Plan { spec_hash: "0".to_owned(), ..plan.clone() };
        assert_ne!(plan.ideas()[0].id, other.ideas()[0].id);
    }

    #[test]
    fn assertions_are_found_by_the_ids_that_places_have() {
        let plan = fixture::plan();
        let ids: HashSet<_> = plan.assertions().into_iter().map(|(id, _)| id).collect();
        for place in plan.ideas() {
            assert_eq!(place.assertions.len(), place.topic.assertions.len());
            assert!(place.assertions.iter().all(|id| ids.contains(id)));
        }
    }

    #[test]
    fn plans_survive_json() {
        let plan = fixture::plan();
        let json = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);
    }

    #[test]
    fn a_span_outside_the_spec_is_an_error() {
        let mut plan = fixture::plan();
        plan.domains[0].topics[0].assertions[0].spans = vec![Range { start: 3, end: 99_999 }];
        let error = plan.check(&fixture::spec()).unwrap_err();
        assert!(matches!(error, Error::Span { end: 99_999, .. }), "{error}");
        plan.spec_hash = "another".to_owned();
        let error = plan.check(&fixture::spec()).unwrap_err();
        assert!(matches!(error, Error::OtherSpec { .. }), "{error}");
    }
}
