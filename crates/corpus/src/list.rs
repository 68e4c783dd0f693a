//! The lists of a stage: asked for, topped up, cut, checked, and accounted for.

use std::{collections::HashSet, ops::Range};

use ethos_core::{
    Failure, Prompt, Request,
    read::{self, Read, Reason, Unusable},
};
use ethos_spec::Spec;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    error::{Error, Result},
    prompts::Values,
    report::{Cause, Items, PlanReport, RejectedQuote, Shortfall, StageReport},
    stage::Stage,
};

/// What a list belongs to.
pub(crate) struct Parent<'v> {
    pub(crate) id: String,
    /// Names, for people.
    pub(crate) path: String,
    pub(crate) values: Values<'v>,
    /// How many items it shall get.
    pub(crate) want: usize,
    /// What it has already: names, and what makes items the same.
    pub(crate) has: Vec<(&'v str, &'v str)>,
}

impl<'v> Parent<'v> {
    /// One that has nothing yet.
    pub(crate) fn new(id: &str, names: &[&str], values: Values<'v>, want: usize) -> Self {
        Parent { id: id.to_owned(), path: names.join(" / "), values, want, has: Vec::new() }
    }
}

/// An item as a model gives it.
pub(crate) trait Given: DeserializeOwned + Send {
    fn name(&self) -> &str;
    /// What it says, apart from its name.
    fn says(&self) -> &str;
    /// What makes it the same as another: its name, unless told.
    fn same(&self) -> &str {
        self.name()
    }
}

/// An item with a name and a description.
#[derive(Deserialize)]
pub(crate) struct Described {
    pub(crate) name: String,
    pub(crate) description: String,
}

impl Given for Described {
    fn name(&self) -> &str {
        &self.name
    }
    fn says(&self) -> &str {
        &self.description
    }
}

/// Looks quotes up, and counts.
pub(crate) struct Quotes<'q> {
    spec: &'q Spec,
    report: &'q mut StageReport,
    rejected: &'q mut Vec<RejectedQuote>,
}

impl Quotes<'_> {
    /// Where in the spec the quotes stand, in the spec's order.
    pub(crate) fn find(&mut self, name: &str, quotes: Vec<String>) -> Vec<Range<usize>> {
        let mut spans = Vec::new();
        for quote in quotes {
            match self.spec.find_quote(&quote) {
                Some(span) => {
                    self.report.quotes_found += 1;
                    spans.push(span.range());
                }
                None => {
                    self.report.quotes_rejected += 1;
                    let stage = self.report.requests.stage.clone();
                    self.rejected.push(RejectedQuote { stage, name: name.to_owned(), quote });
                }
            }
        }
        spans.sort_by_key(|span| (span.start, span.end));
        spans.dedup();
        spans
    }
}

/// Fills the lists of one stage.
pub(crate) struct Lister<'a> {
    spec: &'a Spec,
    stage: Stage<'a>,
    rounds: u32,
    report: StageReport,
    shortfalls: Vec<(Shortfall, Option<Failure>)>,
    rejected: Vec<RejectedQuote>,
}

/// A list on its way.
struct List<T> {
    items: Vec<T>,
    want: usize,
    names: Vec<String>,
    same: HashSet<String>,
    /// Why it will not be asked for again.
    ended: Option<(Cause, Option<Failure>)>,
}

impl<T> List<T> {
    fn lacks(&self) -> usize {
        self.want - self.items.len()
    }
}

/// What is compared of two items: words in lower case.
fn normal(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

impl<'a> Lister<'a> {
    pub(crate) fn new(spec: &'a Spec, stage: Stage<'a>, rounds: u32) -> Self {
        let mut report = StageReport::default();
        report.requests.stage = stage.name().to_owned();
        Lister { spec, stage, rounds, report, shortfalls: Vec::new(), rejected: Vec::new() }
    }

    /// A list for each parent, in their order.
    pub(crate) async fn fill<G: Given, T: Send>(
        &mut self,
        parents: &[Parent<'_>],
        prompt: &Prompt,
        admit: fn(&mut Quotes<'_>, G) -> Option<T>,
    ) -> Result<Vec<Vec<T>>> {
        let fresh = |parent: &Parent<'_>| List {
            items: Vec::new(),
            want: parent.want,
            names: parent.has.iter().map(|(name, _)| (*name).to_owned()).collect(),
            same: parent.has.iter().map(|(_, says)| normal(says)).collect(),
            ended: None,
        };
        let mut lists: Vec<List<T>> = parents.iter().map(fresh).collect();
        for _ in 0..self.rounds {
            let short = |list: &List<T>| list.items.len() < list.want && list.ended.is_none();
            let open: Vec<usize> = (0..lists.len()).filter(|&i| short(&lists[i])).collect();
            if open.is_empty() {
                break;
            }
            let ids: Vec<&str> = open.iter().map(|&i| &*parents[i].id).collect();
            let have: Vec<(usize, &[String])> =
                open.iter().map(|&i| (lists[i].lacks(), &*lists[i].names)).collect();
            let render = |i: usize| {
                let values = parents[open[i]].values.clone();
                Ok(Request::user(prompt.render(&values.list(have[i].0, have[i].1))?))
            };
            // An empty list is an answer where something is there already; as the first it is none.
            let read = |i: usize, text: &str| items::<G>(text, !have[i].1.is_empty());
            let answers = self.stage.ask(&ids, render, read).await?;
            for (i, answer) in open.into_iter().zip(answers) {
                match answer {
                    Ok(given) => self.take(&mut lists[i], given, admit),
                    Err(failure) => {
                        lists[i].ended = Some((Cause::from(&failure), Some(failure)));
                    }
                }
            }
        }
        for (parent, list) in parents.iter().zip(&mut lists) {
            if list.lacks() > 0 {
                let ended = list.ended.take();
                let (cause, failure) = ended.unwrap_or((Cause::Rounds(self.rounds), None));
                let shortfall = Shortfall {
                    stage: self.stage.name().to_owned(),
                    id: parent.id.clone(),
                    path: parent.path.clone(),
                    wanted: list.want,
                    got: list.items.len(),
                    cause,
                };
                self.shortfalls.push((shortfall, failure));
            }
        }
        Ok(lists.into_iter().map(|list| list.items).collect())
    }

    /// Takes what an answer gives into a list, and counts every item of it.
    fn take<G: Given, T>(
        &mut self,
        list: &mut List<T>,
        given: Vec<G>,
        admit: fn(&mut Quotes<'_>, G) -> Option<T>,
    ) {
        if given.is_empty() {
            list.ended = Some((Cause::NoMore, None));
        }
        for item in given {
            self.report.items.given += 1;
            if list.lacks() == 0 {
                self.report.items.surplus += 1;
                continue;
            }
            let same = normal(item.same());
            if list.same.contains(&same) {
                self.report.items.repeated += 1;
                continue;
            }
            let name = item.name().to_owned();
            let Lister { spec, report, rejected, .. } = self;
            match admit(&mut Quotes { spec, report, rejected }, item) {
                Some(item) => {
                    self.report.items.kept += 1;
                    list.items.push(item);
                    list.names.push(name);
                    list.same.insert(same);
                }
                None => self.report.items.unquoted += 1,
            }
        }
    }

    /// Hands in the account of the stage. A stage that gave nothing at all is an error.
    pub(crate) fn finish(self, report: &mut PlanReport) -> Result<()> {
        if self.report.items.kept == 0 {
            let requests = self.stage.done();
            let (stage, asked) = (requests.stage.clone(), requests.asked);
            let first = self.shortfalls.into_iter().find_map(|(_, failure)| failure);
            return Err(match first {
                Some(source) if requests.usable == 0 => {
                    Error::NothingCameBack { stage, asked, source: Box::new(source) }
                }
                _ => {
                    let Items { given, unquoted, .. } = self.report.items;
                    let quotes = self.report.quotes_rejected;
                    let message = format!(
                        "of {given} items {unquoted} were dropped for quoting nothing that is in the \
                         spec ({quotes} quotes rejected)"
                    );
                    Error::NothingUsable { stage, answers: requests.usable, message }
                }
            });
        }
        self.account(report);
        Ok(())
    }

    /// Hands in the account of the stage, whatever it gave.
    pub(crate) fn account(mut self, report: &mut PlanReport) {
        let requests = self.stage.done();
        self.report.requests = requests;
        report.stages.push(self.report);
        report.shortfalls.extend(self.shortfalls.into_iter().map(|(shortfall, _)| shortfall));
        report.rejected.append(&mut self.rejected);
    }
}

/// The items of an answer, all of them whole.
fn items<G: Given>(text: &str, may_be_empty: bool) -> Read<Vec<G>> {
    let items: Vec<G> = read::json(text)?;
    let empty = |detail: &str| Err(Unusable::new(Reason::Empty, detail));
    if items.is_empty() && !may_be_empty {
        return empty("an empty list");
    }
    match items.iter().any(|item| item.name().trim().is_empty() || item.says().trim().is_empty()) {
        true => empty("an item that says nothing"),
        false => Ok(items),
    }
}
