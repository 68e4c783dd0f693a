//! The rules of a spec as the upper part of a plan.

use ethos_spec::{Rule, RuleForm, Spec};

use crate::plan::{Assertion, Domain, Label, Topic};

/// The rules that become topics: those that are not nested in another.
pub(crate) fn of(spec: &Spec) -> impl Iterator<Item = &Rule> {
    spec.rules().iter().filter(|rule| rule.parent.is_none())
}

/// Domains, topics and assertions: a domain for each section that has rules, in the spec's order.
pub(crate) fn domains(spec: &Spec) -> Vec<Domain> {
    let mut domains: Vec<Domain> = Vec::new();
    for rule in of(spec) {
        let name = section(spec, rule);
        let topic = topic(spec, rule);
        match domains.iter_mut().find(|domain| domain.name == name) {
            Some(domain) => domain.topics.push(topic),
            None => {
                let description = format!("The rules of the section `{name}`.");
                domains.push(Domain { name, description, topics: vec![topic] });
            }
        }
    }
    domains
}

/// The title of the section that a rule stands in: of one that is a section itself, the one around it.
fn section(spec: &Spec, rule: &Rule) -> String {
    let around = spec.walk().map(|(_, section)| section).filter(|section| {
        // A rule that is a section has its label in its own heading.
        let own = rule.form == RuleForm::Heading && section.heading.contains(rule.label);
        section.span.contains(rule.span) && !own && !section.title.trim().is_empty()
    });
    let title = around.last().map(|section| section.title.trim());
    title.or(spec.title()).unwrap_or("Rules").to_owned()
}

fn topic(spec: &Spec, rule: &Rule) -> Topic {
    let whole = spec.slice(rule.span).trim_end();
    let span = rule.span.start..rule.span.start + whole.len();
    let assertion = Assertion {
        name: rule.id.clone(),
        assertion: spec.slice(rule.text).trim().to_owned(),
        explanation: match rule.parts.as_slice() {
            [] => format!("This is the whole of {}.", rule.id),
            parts => {
                let parts: Vec<&str> = parts.iter().map(|part| spec.slice(*part).trim()).collect();
                format!("{} in particular: {}", rule.id, parts.join(" "))
            }
        },
        label: Label::Behavior,
        spans: vec![span.clone()],
    };
    Topic {
        name: rule.id.clone(),
        context: whole.to_owned(),
        spans: vec![span],
        assertions: vec![assertion],
        types: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_is_a_topic_of_its_section() {
        let spec = Spec::parse(
            "# Aria\n\n## Honesty\n\n- H1: Never lies.\n  - Jokes are fine.\n- H2: Admits mistakes.\n\n\
             ## Care\n\n### C1: Is kind\n\nTo everyone.\n",
        );
        let domains = domains(&spec);
        let names: Vec<(&str, Vec<&str>)> = domains
            .iter()
            .map(|domain| (&*domain.name, domain.topics.iter().map(|topic| &*topic.name).collect()))
            .collect();
        assert_eq!(names, [("Honesty", vec!["H1", "H2"]), ("Care", vec!["C1"])]);
        let first = &domains[0].topics[0].assertions[0];
        assert_eq!(first.assertion, "Never lies.");
        assert_eq!(first.explanation, "H1 in particular: Jokes are fine.");
        for topic in domains.iter().flat_map(|domain| &domain.topics) {
            assert_eq!(spec.text().get(topic.spans[0].clone()), Some(&*topic.context));
        }
    }
}
