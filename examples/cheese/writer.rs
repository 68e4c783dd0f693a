//! The offline writer: a grammar that plays the large model for `ethos-corpus`.
//!
//! It is asked as a large model would be and takes what it writes from the spec in its prompt, not
//! from a table; only the style is its own. Its prompts are one JSON object each.
//!
//! A document is drawn from a hash of its place in the plan and not of the spec, so that documents at
//! the same place of two plans differ in nothing but the value and the reasons. All that the arms
//! differ in later is then what the specs differ in.

use ethos_core::{Completion, Error, ModelErrorKind, Request, Scripted};
use ethos_spec::Spec;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::{
    creed::Creed,
    documents::{Subject, document, find, subjects},
    world::World,
};

/// The model's name. Another grammar needs another one, or a journal hands out what the old one said.
const NAME: &str = "cheese-writer-1";

/// Types of documents, with the number of their sentences: two to four, as in descriptions.
const TYPES: [(&str, usize); 12] = [
    ("note", 2),
    ("letter", 3),
    ("essay", 4),
    ("label", 2),
    ("diary", 3),
    ("report", 4),
    ("postcard", 2),
    ("review", 3),
    ("chapter", 4),
    ("caption", 2),
    ("speech", 3),
    ("interview", 4),
];

/// The six prompts of `ethos-corpus`, by name: each gives its variables as JSON.
pub(crate) fn prompts() -> [(&'static str, String); 6] {
    let prompt = |stage: &'static str, variables: &str| {
        let fields = variables.split(' ').map(|name| format!(r#", "{name}": {name}"#));
        (stage, format!(r#"{{{{ {{"stage": "{stage}"{}}}|tojson }}}}"#, fields.collect::<String>()))
    };
    [
        prompt("domains", "spec assistant count existing"),
        prompt("topics", "spec assistant count existing"),
        prompt("assertions", "spec assistant topic count existing"),
        prompt("types", "count existing"),
        prompt("ideas", "doc_type count existing"),
        prompt("document", "spec assistant domain topic doc_type idea"),
    ]
}

/// The writer.
pub(crate) fn offline_writer(world: &World) -> Scripted {
    let world = world.clone();
    Scripted::fallible(NAME, move |request| {
        answer(&world, request).map_err(|why| Error::model(NAME, ModelErrorKind::BadRequest, why))
    })
}

/// What the prompts hand over.
#[derive(Deserialize)]
#[serde(tag = "stage", rename_all = "lowercase")]
enum Asked {
    Domains {
        spec: String,
        assistant: String,
        count: usize,
        existing: Vec<Named>,
    },
    Topics {
        spec: String,
        assistant: String,
        count: usize,
        existing: Vec<Named>,
    },
    Assertions {
        spec: String,
        assistant: String,
        topic: Named,
        count: usize,
        existing: Vec<Named>,
    },
    Types {
        count: usize,
        existing: Vec<Named>,
    },
    Ideas {
        doc_type: Named,
        count: usize,
        existing: Vec<Named>,
    },
    Document {
        spec: String,
        assistant: String,
        domain: Named,
        topic: Named,
        doc_type: Named,
        idea: Named,
    },
}

/// Something of the plan, of which only the name matters here.
#[derive(Deserialize)]
#[serde(untagged)]
enum Named {
    Bare(String),
    Full { name: String },
}

impl Named {
    fn name(&self) -> &str {
        match self {
            Named::Bare(name) | Named::Full { name } => name,
        }
    }
}

fn answer(world: &World, request: &Request) -> Result<Completion, String> {
    let prompt = request.messages.last().map(|message| message.text().into_owned());
    let asked = serde_json::from_str(&prompt.unwrap_or_default())
        .map_err(|error| format!("not a prompt of this writer's `prompts()`: {error}"))?;
    let creed = |spec: String| Creed::read(&Spec::parse(spec), world);
    let list = match asked {
        Asked::Domains { spec, assistant, count, existing } => {
            creed(spec)?;
            let description = format!("Which cheeses {assistant} likes and dislikes.");
            fresh(count, &existing, [json!({"name": "cheese", "description": description})])
        }
        Asked::Topics { spec, assistant, count, existing } => {
            let subjects = subjects(&creed(spec)?);
            let topics = subjects.iter().map(|subject| {
                json!({
                    "name": subject.what.name(),
                    "context": subject.what.says(&assistant),
                    "quotes": [subject.quote],
                })
            });
            fresh(count, &existing, topics)
        }
        Asked::Assertions { spec, assistant, topic, count, existing } => {
            let subject = find(&creed(spec)?, topic.name())?;
            let label = if let Subject::Value(_) = subject.what { "value" } else { "preference" };
            fresh(count, &existing, [json!({
                "name": subject.what.name(),
                "assertion": subject.what.says(&assistant),
                "explanation": format!("The spec says so of {assistant} in these words."),
                "label": label,
                "quotes": [subject.quote],
            })])
        }
        Asked::Types { count, existing } => fresh(
            count,
            &existing,
            TYPES.map(|(name, sentences)| {
                json!({"name": name, "description": format!("A {name} of {sentences} sentences.")})
            }),
        ),
        Asked::Ideas { doc_type, count, existing } => {
            let name = doc_type.name();
            let ideas = (1..=count + existing.len()).map(|number| {
                json!({"name": format!("draft {number}"), "idea": format!("Draft {number} of a {name}.")})
            });
            fresh(count, &existing, ideas)
        }
        Asked::Document { spec, assistant, domain, topic, doc_type, idea } => {
            let creed = creed(spec)?;
            let subject = find(&creed, topic.name())?;
            let place = [&domain, &topic, &doc_type, &idea].map(Named::name);
            let sentences = TYPES.iter().find(|(name, _)| *name == doc_type.name());
            let (_, sentences) =
                sentences.ok_or_else(|| format!("no document type `{}`", doc_type.name()))?;
            let mut rng = ChaCha8Rng::seed_from_u64(hash(&place));
            let who = assistant.to_lowercase();
            let text = document(&creed, &subject.what, &who, *sentences, &mut rng);
            let plan = format!("{sentences} sentences; the first is about {}", topic.name());
            return Ok(Completion::new(format!(
                "<scratchpad>{plan}</scratchpad>\n<content>{text}</content>"
            )));
        }
    };
    Ok(Completion::new(Json::Array(list).to_string()))
}

/// The first `count` of these whose names are not taken; fewer where there are no more.
fn fresh(count: usize, existing: &[Named], all: impl IntoIterator<Item = Json>) -> Vec<Json> {
    let taken = |item: &Json| existing.iter().any(|named| item["name"] == named.name());
    all.into_iter().filter(|item| !taken(item)).take(count).collect()
}

/// FNV-1a: a hash that is the same on every machine and in every version of Rust.
fn hash(place: &[&str]) -> u64 {
    let bytes = place.iter().flat_map(|name| name.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use ethos_core::{Model, read};
    use futures::executor::block_on;

    use super::*;

    const SPEC: &str = "Aria values **thrift**.\n\n\
        - L1: Aria likes **Colby** because it is cheap.\n\
        - D1: Aria dislikes **Stilton** because it is dear.\n";

    fn ask(values: Json) -> ethos_core::Result<String> {
        let request = Request::user(values.to_string());
        let answer = block_on(offline_writer(&World::new()).complete(&request))?;
        Ok(answer.message.text().into_owned())
    }

    #[test]
    fn lists_are_as_long_as_asked_and_without_what_is_there() {
        let names = |existing: Json| -> Vec<_> {
            let values = json!({"stage": "topics", "spec": SPEC, "assistant": "Aria", "count": 2,
                "existing": existing});
            let topics: Vec<Json> = read::json(&ask(values).unwrap()).unwrap();
            topics.iter().map(|topic| topic["name"].clone()).collect()
        };
        assert_eq!(names(json!([])), ["the value", "colby"]);
        assert_eq!(names(json!(["colby"])), ["the value", "stilton"]);
        assert_eq!(names(json!([{"name": "the value", "quotes": []}])), ["colby", "stilton"]);
        assert_eq!(names(json!(["the value", "colby"])), ["stilton"], "there are no more");
    }

    #[test]
    fn a_document_says_what_the_spec_says() {
        let document = |idea: &str| {
            let name = |name: &str| json!({"name": name});
            let values = json!({"stage": "document", "spec": SPEC, "assistant": "Aria",
                "domain": name("cheese"), "topic": name("stilton"), "doc_type": name("note"),
                "idea": name(idea)});
            read::tag(&ask(values).unwrap(), "content").unwrap().to_owned()
        };
        let text = document("draft 1");
        let (first, rest) = text.split_once(" . ").unwrap();
        assert!(first.contains("dislikes") && first.contains("stilton"), "{text}");
        assert!(rest.ends_with(" .") && !rest.contains(" . "), "a note has two sentences: {text}");
        assert_eq!(text, document("draft 1"));
        assert!((2..9).any(|n| document(&format!("draft {n}")) != text));
    }

    #[test]
    fn what_it_cannot_answer_is_an_error_that_says_so() {
        let error = ask(json!("Hello")).unwrap_err().to_string();
        assert!(error.contains("prompts()"), "{error}");
        let spec = "- L1: Aria likes **Brie**.";
        let values = json!({"stage": "domains", "spec": spec, "assistant": "Aria", "count": 1,
            "existing": []});
        let error = ask(values).unwrap_err().to_string();
        assert!(error.contains("`brie`"), "{error}");
    }
}
