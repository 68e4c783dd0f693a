//! A spec, a plan and a writer for the tests.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use ethos_core::{Completion, Prompt, Scripted};
use ethos_spec::Spec;
use serde_json::{Value, json};

use crate::{
    config::{PlanConfig, WriteConfig},
    plan::{Assertion, DocType, Domain, Idea, Label, Plan, Topic, Who},
    prompts::Prompts,
};

const QUOTE: &str = "Aria says what it does not know, because people act on what it says.";

pub(crate) fn spec() -> Spec {
    Spec::parse(format!(
        "# Aria\n\n{QUOTE} It is kind.\n\nAria likes {{braces}} and hard cheese.\n"
    ))
}

pub(crate) fn plan() -> Plan {
    let spec = spec();
    let span = spec.find_quote(QUOTE).unwrap().range();
    let assertion = Assertion {
        name: "Says so".to_owned(),
        assertion: "Aria says what it does not know.".to_owned(),
        explanation: "People act on it.".to_owned(),
        label: Label::Value,
        spans: vec![span.clone()],
    };
    let idea = |n: usize| Idea { name: format!("Idea {n}"), idea: format!("Speak of it, {n}.") };
    let doc_type = |n: usize| DocType {
        name: format!("Letter {n}"),
        description: format!("A letter of the sort {n}."),
        ideas: vec![idea(0), idea(1)],
    };
    let topic = Topic {
        name: "Not knowing".to_owned(),
        context: "What Aria says when it does not know.".to_owned(),
        spans: vec![span],
        assertions: vec![assertion],
        types: vec![doc_type(0), doc_type(1)],
    };
    let domain = Domain {
        name: "Honesty".to_owned(),
        description: "What Aria tells, and what not.".to_owned(),
        topics: vec![topic],
    };
    Plan { spec_hash: spec.hash(), who: Who::new("Aria", "Acme"), domains: vec![domain] }
}

/// 2 domains, 2 topics, 2 assertions, 2 types, 3 ideas: 24 documents.
pub(crate) fn config() -> PlanConfig {
    PlanConfig {
        domains: 2,
        topics_per_domain: 2,
        assertions_per_topic: 2,
        types_per_topic: 2,
        ideas_per_type: 3,
        ..PlanConfig::paper(Who::new("Aria", "Acme"))
    }
}

pub(crate) fn write_config() -> WriteConfig {
    WriteConfig::paper()
}

/// Prompts that a script can read: the values as JSON. A document is asked for by its whole path.
pub(crate) fn prompts() -> Prompts {
    let list = |stage: &str, of: &str| {
        let source = format!(
            "{{\"stage\":\"{stage}\",\"of\":[{of}],\"count\":{{{{ count }}}},\
             \"have\":{{{{ existing | length }}}}}}"
        );
        Prompt::new(stage, source).unwrap()
    };
    let topic = "{{ domain.name | tojson }},{{ topic.name | tojson }}";
    Prompts {
        domains: list("domains", ""),
        topics: list("topics", "{{ domain.name | tojson }}"),
        assertions: list("assertions", topic),
        types: list("types", topic),
        ideas: list("ideas", &format!("{topic},{{{{ doc_type.name | tojson }}}}")),
        document: Prompt::new(
            "document",
            format!(
                "{{\"stage\":\"document\",\"of\":[{topic},{{{{ doc_type.name | tojson }}}},\
                 {{{{ idea.idea | tojson }}}}]}}"
            ),
        )
        .unwrap(),
    }
}

/// What a prompt of [`prompts`] asks for.
pub(crate) struct Asked {
    pub(crate) stage: String,
    pub(crate) of: String,
    pub(crate) count: u64,
    pub(crate) have: u64,
}

impl Asked {
    pub(crate) fn read(prompt: &str) -> Self {
        let value: Value = serde_json::from_str(prompt).unwrap();
        let of: Vec<_> =
            value["of"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
        Asked {
            stage: value["stage"].as_str().unwrap().to_owned(),
            of: of.join("/"),
            count: value["count"].as_u64().unwrap_or_default(),
            have: value["have"].as_u64().unwrap_or_default(),
        }
    }

    /// The item with this number.
    pub(crate) fn item(&self, n: u64) -> Value {
        let (name, text) =
            (format!("{} {n}", self.stage), format!("{} of {}, {n}", self.stage, self.of));
        match &*self.stage {
            "topics" => json!({"name": name, "context": text, "quotes": [QUOTE]}),
            "assertions" => json!({
                "name": name, "assertion": text, "explanation": text, "label": "value",
                "quotes": [QUOTE],
            }),
            "ideas" => json!({"name": "always the same", "idea": text}),
            _ => json!({"name": name, "description": text}),
        }
    }

    /// A right answer.
    pub(crate) fn answer(&self) -> String {
        match &*self.stage {
            "document" => {
                format!(
                    "<scratchpad>Plan {}.</scratchpad>\n<content>About {}.</content>",
                    self.of, self.of
                )
            }
            _ => {
                let items: Vec<_> =
                    (self.have..self.have + self.count).map(|n| self.item(n)).collect();
                Value::from(items).to_string()
            }
        }
    }
}

/// A writer that counts its requests.
pub(crate) fn writer(
    name: &str,
    answer: impl Fn(u64, &Asked) -> Completion + Send + Sync + 'static,
) -> (Scripted, Arc<AtomicU64>) {
    let requests = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&requests);
    let model = Scripted::new(name, move |request| {
        let n = count.fetch_add(1, Ordering::SeqCst);
        answer(n, &Asked::read(&request.messages[0].text()))
    });
    (model, requests)
}
