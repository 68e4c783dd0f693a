//! The lists of a stage: asked for, topped up, cut, checked, and accounted for.

use std::{collections::HashSet, ops::Range};

use ethos_core::{
    Failure, Prompt,
    read::{self, Read, Reason, Unusable},
};
use ethos_spec::Spec;
use serde::de::DeserializeOwned;

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
    names: Vec<String>,
    same: HashSet<String>,
    /// Why it will not be asked for again.
    ended: Option<(Cause, Option<Failure>)>,
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
        want: usize,
        prompt: &Prompt,
        admit: fn(&mut Quotes<'_>, G) -> Option<T>,
    ) -> Result<Vec<Vec<T>>> {
        let fresh = |_: &Parent<'_>| List {
            items: Vec::new(),
            names: Vec::new(),
            same: HashSet::new(),
            ended: None,
        };
        let mut lists: Vec<List<T>> = parents.iter().map(fresh).collect();
        for _ in 0..self.rounds {
            let short = |list: &List<T>| list.items.len() < want && list.ended.is_none();
            let open: Vec<usize> = (0..lists.len()).filter(|&i| short(&lists[i])).collect();
            if open.is_empty() {
                break;
            }
            let ids: Vec<&str> = open.iter().map(|&i| &*parents[i].id).collect();
            let have: Vec<(usize, &[String])> =
                open.iter().map(|&i| (lists[i].items.len(), &*lists[i].names)).collect();
            let render = |i: usize| {
                let values = parents[open[i]].values.clone();
                Ok(prompt.render(&values.list(want - have[i].0, have[i].1))?)
            };
            // An empty list is an answer where something is there already; as the first it is none.
            let read = |i: usize, text: &str| items::<G>(text, have[i].0 > 0);
            let answers = self.stage.ask(&ids, render, read).await?;
            for (i, answer) in open.into_iter().zip(answers) {
                match answer {
                    Ok(given) => self.take(&mut lists[i], given, want, admit),
                    Err(failure) => {
                        lists[i].ended = Some((Cause::from(&failure), Some(failure)));
                    }
                }
            }
        }
        for (parent, list) in parents.iter().zip(&mut lists) {
            if list.items.len() < want {
                let ended = list.ended.take();
                let (cause, failure) = ended.unwrap_or((Cause::Rounds(self.rounds), None));
                let shortfall = Shortfall {
                    stage: self.stage.name().to_owned(),
                    id: parent.id.clone(),
                    path: parent.path.clone(),
                    wanted: want,
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
        want: usize,
        admit: fn(&mut Quotes<'_>, G) -> Option<T>,
    ) {
        if given.is_empty() {
            list.ended = Some((Cause::NoMore, None));
        }
        for item in given {
            self.report.items.given += 1;
            if list.items.len() == want {
                self.report.items.surplus += 1;
                continue;
            }
            let same = item.same().split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
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
    pub(crate) fn finish(mut self, report: &mut PlanReport) -> Result<()> {
        let requests = self.stage.done();
        if self.report.items.kept == 0 {
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
        self.report.requests = requests;
        report.stages.push(self.report);
        report.shortfalls.extend(self.shortfalls.into_iter().map(|(shortfall, _)| shortfall));
        report.rejected.append(&mut self.rejected);
        Ok(())
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
