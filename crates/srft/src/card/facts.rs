//! The card of a set of facts.

use std::collections::BTreeMap;

use ethos_core::{card::one_line, jsonl};
use serde::Serialize;

use super::{Card, counted};
use crate::{
    draft::Drafted,
    error::Result,
    fact::{Basis, Fact, facts as own_facts},
    verify::Verified,
};

impl Card {
    /// The card of a set of facts: how many of what, on what they rest, how they were written and checked, and what
    /// was asked for them.
    ///
    /// `drafted` are the drafts from which some came, `verified` the readings after which they were kept; either may be
    /// empty, and the card then says nothing of them. Facts of this crate are known by what they say.
    ///
    /// # Errors
    ///
    /// [`Error::Texts`](crate::Error::Texts) when the texts of this crate are at fault, which its tests rule out.
    pub fn facts(
        &self,
        facts: &[Fact],
        drafted: &[Drafted],
        verified: &[Verified],
    ) -> Result<String> {
        let own = own_facts()?;
        let known: BTreeMap<&str, &Fact> = own.iter().map(|fact| (&*fact.id, fact)).collect();
        let is_own = |fact: &Fact| known.get(&*fact.id).is_some_and(|own| *own == fact);
        let of_own = facts.iter().filter(|fact| is_own(fact)).count();
        let by_model = |fact: &Fact| match &fact.basis {
            Basis::Drafted { drafted_by } => Some(one_line(drafted_by)),
            _ => None,
        };
        let models = counted(facts.iter().filter_map(by_model));
        let by_models: usize = models.iter().map(|(_, count)| count).sum();
        let confirmed = |fact: &&Fact| verified.iter().any(|found| found.kept.contains(fact));
        let share = {
            let longer = facts.iter().filter(|fact| chars(&fact.right) > chars(&fact.wrong));
            let differ = facts.iter().filter(|fact| chars(&fact.right) != chars(&fact.wrong));
            let (longer, differ) = (longer.count(), differ.count());
            (differ > 0).then(|| format!("{:.0}", 100.0 * longer as f64 / differ as f64))
        };
        let values = Values {
            about: self.about(),
            facts: facts.len(),
            subjects: subjects(facts),
            own: of_own,
            own_all: own.len(),
            elsewhere: facts.len() - of_own - by_models,
            models,
            drafts: drafted.iter().map(|one| Draft::of(one, facts)).collect(),
            confirmed: facts.iter().filter(confirmed).count(),
            readings: verified.iter().map(Reading::of).collect(),
            longer: share.unwrap_or_default(),
            digest: jsonl::digest(facts)?,
        };
        let drafts = drafted.iter().map(|one| one.asked.spent("srft/draft", Some(&one.model)));
        let readers = verified.iter().flat_map(|found| &found.readers);
        let readings = readers.map(|(model, asked)| asked.spent("srft/verify", Some(model)));
        self.write(
            (facts.len(), &["synthetic", "self-report-fine-tuning", "facts"]),
            ("card of facts", include_str!("../texts/card_facts.md")),
            &values,
            drafts.chain(readings).collect(),
        )
    }
}

/// What the template is told.
#[derive(Serialize)]
struct Values<'a> {
    about: &'a str,
    facts: usize,
    subjects: Vec<Subject>,
    /// How many are this crate's, and of how many.
    own: usize,
    own_all: usize,
    /// How many are neither this crate's nor drafted.
    elsewhere: usize,
    /// Models that drafted some, and how many.
    models: Vec<(String, usize)>,
    drafts: Vec<Draft>,
    confirmed: usize,
    readings: Vec<Reading>,
    /// Of those whose answers are not of one length, in how many percent the right one is longer.
    longer: String,
    digest: String,
}

/// A row of the table of subjects.
#[derive(Default, Serialize)]
struct Subject {
    name: String,
    facts: usize,
    definition: usize,
    arithmetic: usize,
    common_knowledge: usize,
    citation: usize,
    drafted: usize,
}

#[derive(Serialize)]
struct Draft {
    model: String,
    prompt_hash: String,
    facts: usize,
    here: usize,
    rejected: usize,
    reasons: Vec<(String, usize)>,
    short: Vec<(String, usize)>,
}

#[derive(Serialize)]
struct Reading {
    readers: Vec<String>,
    draws: u32,
    facts: usize,
    kept: usize,
    doubts: Vec<(String, usize)>,
    /// Readers that drafted some of what they read.
    authors: Vec<String>,
}

impl Draft {
    fn of(drafted: &Drafted, facts: &[Fact]) -> Self {
        let Drafted { model, prompt_hash, .. } = drafted;
        Draft {
            model: one_line(model),
            prompt_hash: prompt_hash.clone(),
            facts: drafted.facts.len(),
            here: facts.iter().filter(|fact| drafted.facts.contains(fact)).count(),
            rejected: drafted.rejected.len(),
            reasons: drafted.reasons().into_iter().collect(),
            short: drafted.short.iter().map(|(name, lacks)| (one_line(name), *lacks)).collect(),
        }
    }
}

impl Reading {
    fn of(found: &Verified) -> Self {
        let read = || found.kept.iter().chain(found.dropped.iter().map(|(fact, _)| fact));
        let drafted = |reader: &str| {
            read().any(
                |fact| matches!(&fact.basis, Basis::Drafted { drafted_by } if drafted_by == reader),
            )
        };
        let readers = found.readers.iter().map(|(reader, _)| reader);
        Reading {
            readers: readers.clone().map(|reader| one_line(reader)).collect(),
            draws: found.draws,
            facts: read().count(),
            kept: found.kept.len(),
            doubts: counted(found.dropped.iter().map(|(_, doubt)| doubt.to_string())),
            authors: readers.filter(|reader| drafted(reader)).map(|one| one_line(one)).collect(),
        }
    }
}

fn subjects(facts: &[Fact]) -> Vec<Subject> {
    let mut subjects: BTreeMap<&str, Subject> = BTreeMap::new();
    for fact in facts {
        let row = subjects.entry(&fact.subject).or_default();
        row.name = one_line(&fact.subject);
        row.facts += 1;
        *match fact.basis {
            Basis::Definition => &mut row.definition,
            Basis::Arithmetic => &mut row.arithmetic,
            Basis::CommonKnowledge => &mut row.common_knowledge,
            Basis::Citation { .. } => &mut row.citation,
            Basis::Drafted { .. } => &mut row.drafted,
        } += 1;
    }
    subjects.into_values().collect()
}

fn chars(text: &str) -> usize {
    text.chars().count()
}
