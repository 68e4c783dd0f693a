//! A corpus that is whole: written, judged, without duplicates, and topped up.

mod judging;
mod sieve;

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use ethos_core::{Document, Journal, Model, Watch};
use ethos_spec::Spec;
use serde::{Deserialize, Serialize};

pub use self::judging::{Revise, Revised};
use self::{
    judging::{Accounts, judge},
    sieve::Sieve,
};
use crate::{
    config::{PlanConfig, WriteConfig},
    corpus::Corpus,
    decontaminate::Evaluation,
    dedup::{Dedup, Embedder},
    error::Result,
    plan::{Place, Plan},
    planning::more_ideas,
    prompts::Prompts,
    report::{Cause, Missing, PlanReport, WriteReport},
    review::{ReviewConfig, ReviewPrompts, ReviewReport},
    write::{shuffle, write_some},
};

/// How a corpus is made whole.
#[derive(Clone)]
#[non_exhaustive]
pub struct Assembly<'a> {
    /// How ideas are asked for, those that take the place of what fell too.
    pub plan: PlanConfig,
    /// How documents are written.
    pub write: WriteConfig,
    /// What planning and writing ask.
    pub prompts: Prompts,
    /// Who judges, and how; without, nothing is judged.
    pub review: Option<(&'a dyn Model, ReviewConfig, ReviewPrompts)>,
    /// Which documents are written anew; without, none.
    pub revise: Option<Revise>,
    /// When two documents are near in their words; without, such duplicates stay.
    pub dedup: Option<Dedup>,
    /// Who says what documents mean, and the cosine from which on two mean the same; without, nobody does.
    pub embedder: Option<(&'a dyn Embedder, f64)>,
    /// Prompts of evaluations that no document may hold.
    pub evaluation: Option<Evaluation>,
    /// How often what fell is written anew, from new ideas.
    pub rounds: u32,
}

impl fmt::Debug for Assembly<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let judge = self.review.as_ref().map(|(judge, ..)| judge.id());
        f.debug_struct("Assembly")
            .field("plan", &self.plan)
            .field("write", &self.write)
            .field("judge", &judge)
            .field("revise", &self.revise)
            .field("dedup", &self.dedup)
            .field("cosine", &self.embedder.map(|(_, cosine)| cosine))
            .field("rounds", &self.rounds)
            .finish_non_exhaustive()
    }
}

impl<'a> Assembly<'a> {
    /// Documents are written, and near-duplicates at 0.8 topped up in three rounds; nothing is judged.
    pub fn new(plan: PlanConfig, write: WriteConfig, prompts: Prompts) -> Self {
        let dedup = Some(Dedup::at(0.8));
        let (review, revise, embedder, evaluation) = (None, None, None, None);
        Assembly { plan, write, prompts, review, revise, dedup, embedder, evaluation, rounds: 3 }
    }

    /// The same with this judge.
    pub fn with_judge(self, judge: &'a dyn Model) -> Self {
        let review = Some((judge, ReviewConfig::judging(), ReviewPrompts::default()));
        Assembly { review, ..self }
    }

    /// The same with these documents written anew.
    pub fn with_revision(self, revise: Revise) -> Self {
        Assembly { revise: Some(revise), ..self }
    }

    /// The same without documents that mean the same as another, from this cosine on. Its scale is the embedder's own.
    pub fn with_embedder(self, embedder: &'a dyn Embedder, cosine: f64) -> Self {
        Assembly { embedder: Some((embedder, cosine)), ..self }
    }

    /// The same with what no document may hold.
    pub fn with_evaluation(self, evaluation: Evaluation) -> Self {
        Assembly { evaluation: Some(evaluation), ..self }
    }
}

/// A corpus, and what became of everything that is not in it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Assembled {
    /// The plan, with the ideas that were added. What fell is in it too.
    pub plan: Plan,
    /// The documents that stay, and the account of writing in all rounds.
    pub corpus: Corpus,
    /// What fell, in the order of ids.
    pub fallen: Vec<Fallen>,
    /// The account of the ideas that were added.
    pub added: PlanReport,
    /// The account of the judge in all rounds, where there was one.
    pub review: Option<ReviewReport>,
    /// The account of revising in all rounds, where there was any.
    pub revised: Option<Revised>,
    /// Rounds that were needed, the first one included.
    pub rounds: u32,
    /// Documents that are still missing, by document type.
    pub short: Vec<Short>,
}

/// A document type that has fewer documents than its plan had ideas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Short {
    /// The names from the domain down to the type.
    pub path: String,
    /// Documents wanted.
    pub wanted: usize,
    /// Documents there.
    pub got: usize,
}

/// An idea whose document is not in the corpus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Fallen {
    /// Id of the idea.
    pub id: String,
    /// The names from the domain down to it.
    pub path: String,
    /// Why.
    pub why: Fell,
}

/// Why a document is not in a corpus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fell {
    /// It could not be written.
    Unwritten(Cause),
    /// It could not be judged.
    Unjudged(Cause),
    /// The judge objects to it.
    Rejected {
        /// The criteria that it does not meet.
        criteria: Vec<String>,
        /// What the judge says.
        problems: String,
    },
    /// It is near to one that stays.
    Duplicate {
        /// Id of the one that stays.
        of: String,
        /// Their Jaccard similarity; 1 for the same words.
        similarity: f64,
    },
    /// It means the same as one that stays.
    Similar {
        /// Id of the one that stays.
        of: String,
        /// Their cosine.
        cosine: f64,
    },
    /// It holds a run of words of an evaluation's prompt.
    Contaminated {
        /// The prompt's number.
        prompt: usize,
    },
}

impl Assembled {
    /// Whether every document type has as many documents as were planned.
    pub fn is_complete(&self) -> bool {
        self.short.is_empty()
    }
}

/// Writes a plan, has it judged and revised as the assembly says, drops what is near to what is there or holds an evaluation's prompts,
/// and asks for new ideas in the place of what fell, until every document type has as many documents as the
/// plan had ideas or the rounds are over. What is still missing is named.
///
/// What a model failed to answer (a lost connection, a spent budget) is named and not replaced: the same call again
/// asks for it.
///
/// What stays is decided round by round, in the order of ids, so that a later round never takes back what an
/// earlier one kept. The same journal gives the same corpus, to the byte, without asking anything.
///
/// # Errors
///
/// Those of [`write`](crate::write()), [`Reviewer::review`](crate::Reviewer::review) and [`Reviewer::revise`](crate::Reviewer::revise); [`Error::NothingCameBack`](crate::Error::NothingCameBack) when not a single
/// document could be written, or the judge failed to answer for each of them.
pub async fn assemble(
    plan: Plan,
    spec: &Spec,
    assembly: &Assembly<'_>,
    writer: &dyn Model,
    journal: &Journal,
    watch: &dyn Watch,
) -> Result<Assembled> {
    let mut plan = plan;
    let means = (writer, journal, watch);
    if let Some((_, config, prompts)) = &assembly.review {
        prompts.check(config, spec, &plan.who)?;
    }
    let wanted: HashMap<String, usize> =
        plan.types_at().into_iter().map(|at| (at.id, at.doc_type.ideas.len())).collect();
    let mut kept: Vec<Document> = Vec::new();
    let mut sieve = Sieve::new(assembly)?;
    let mut done: HashSet<String> = HashSet::new();
    let mut fallen: Vec<Fallen> = Vec::new();
    let mut account = WriteReport::default();
    let (mut added, mut accounts) = (PlanReport::default(), Accounts::default());
    let mut rounds = 0;
    let short = loop {
        rounds += 1;
        let ideas = plan.ideas();
        let fresh: Vec<Place<'_>> =
            ideas.iter().filter(|place| !done.contains(&place.id)).cloned().collect();
        done.extend(fresh.iter().map(|place| place.id.clone()));
        if !fresh.is_empty() || rounds == 1 {
            let written =
                write_some(&plan, &fresh, spec, &assembly.write, &assembly.prompts, means).await;
            // That none of the added ideas could be written ends nothing: it is accounted for, and asked on.
            let mut corpus = match rounds {
                1 => written?.something()?,
                _ => written?.corpus,
            };
            for Missing { id, path, cause } in &corpus.report.missing {
                let why = Fell::Unwritten(cause.clone());
                fallen.push(Fallen { id: id.clone(), path: path.clone(), why });
            }
            account.add(corpus.report);
            corpus.documents.sort_by(|a, b| a.id.cmp(&b.id));
            let places: HashMap<&str, &Place<'_>> =
                fresh.iter().map(|place| (&*place.id, place)).collect();
            let falls = |document: &Document, why: Fell| {
                let path = places.get(&*document.id).map_or_else(String::new, |place| place.path());
                Fallen { id: document.id.clone(), path, why }
            };
            let judged =
                judge(corpus.documents, (&plan, spec), assembly, means, (rounds, &mut accounts))
                    .await?;
            let mut documents = Vec::new();
            for (document, why) in judged {
                match why {
                    None => documents.push(document),
                    Some(why) => fallen.push(falls(&document, why)),
                }
            }
            let whys = sieve.sift(&documents).await?;
            for (document, why) in documents.into_iter().zip(whys) {
                match why {
                    None => kept.push(document),
                    Some(why) => fallen.push(falls(&document, why)),
                }
            }
        }
        let short = shortfalls(&plan, &wanted, &kept);
        if short.is_empty() || rounds > assembly.rounds {
            break short;
        }
        // What a model failed to answer is not replaced: a rerun asks for it again, and would have paid for both.
        let failed = fallen.iter().filter(|one| one.why.may_come()).map(|one| &*one.id);
        let ids = kept.iter().map(|document| &*document.id).chain(failed);
        let lacks: HashMap<String, usize> = lacks(&plan, &wanted, ids);
        let before = plan.ideas().len();
        let more = more_ideas(
            &mut plan,
            &lacks,
            spec,
            &assembly.plan,
            &assembly.prompts,
            means,
            (rounds, &mut added),
        );
        more.await?;
        if plan.ideas().len() == before {
            break short;
        }
    };
    fallen.sort_by(|a, b| a.id.cmp(&b.id));
    shuffle(&mut kept, assembly.write.seed);
    account.written = kept.len() as u64;
    let corpus = Corpus { documents: kept, report: account };
    let Accounts { review, revised } = accounts;
    Ok(Assembled { plan, corpus, fallen, added, review, revised, rounds, short })
}

impl Fell {
    /// Whether a rerun on the same journal asks for it again: it was no answer that failed, but the model.
    fn may_come(&self) -> bool {
        matches!(self, Fell::Unwritten(Cause::Model(_)) | Fell::Unjudged(Cause::Model(_)))
    }
}

/// Documents that each type has, of those with these ids.
fn counts<'d>(plan: &Plan, ids: impl Iterator<Item = &'d str>) -> HashMap<String, usize> {
    let types: HashMap<String, String> = plan
        .types_at()
        .iter()
        .flat_map(|at| at.idea_ids().into_iter().map(|id| (id, at.id.clone())))
        .collect();
    let mut counts = HashMap::new();
    for id in ids {
        if let Some(of) = types.get(id) {
            *counts.entry(of.clone()).or_default() += 1;
        }
    }
    counts
}

fn lacks<'d>(
    plan: &Plan,
    wanted: &HashMap<String, usize>,
    ids: impl Iterator<Item = &'d str>,
) -> HashMap<String, usize> {
    let have = counts(plan, ids);
    let lack = |(id, wanted): (&String, &usize)| {
        let lack = wanted.saturating_sub(have.get(id).copied().unwrap_or(0));
        (lack > 0).then(|| (id.clone(), lack))
    };
    wanted.iter().filter_map(lack).collect()
}

fn shortfalls(plan: &Plan, wanted: &HashMap<String, usize>, kept: &[Document]) -> Vec<Short> {
    let lacks = lacks(plan, wanted, kept.iter().map(|document| &*document.id));
    let types = plan.types_at();
    let short = types.iter().filter_map(|at| {
        let (wanted, lack) = (*wanted.get(&at.id)?, *lacks.get(&at.id)?);
        let names = [&*at.domain.name, &*at.topic.name, &*at.doc_type.name];
        Some(Short { path: names.join(" / "), wanted, got: wanted - lack })
    });
    short.collect()
}

#[cfg(test)]
mod tests {
    use ethos_core::Scripted;
    use futures::executor::block_on;

    use super::*;
    use crate::{
        Card, TokenCounts,
        decontaminate::Decontaminate,
        fixture::{self, Asked},
        plan,
    };

    /// Documents long enough to be compared; every third idea of a type becomes the same document, and one
    /// holds a prompt.
    fn written(request: &ethos_core::Request) -> ethos_core::Completion {
        let asked = Asked::read(&request.messages[0].text());
        if asked.stage != "document" {
            return asked.answer().into();
        }
        let number = asked.of.chars().filter(char::is_ascii_digit).collect::<String>();
        let text = match number.chars().last() {
            Some('2') => {
                "The same story about Aria as ever, told once more for all who like it so."
                    .to_owned()
            }
            Some('1') if asked.of.contains("types 1") => {
                format!(
                    "{number} Aria was asked: which of the two cheeses would you rather take to sea, friend"
                )
            }
            _ => (0..20).map(|n| format!("word{number}of{n} ")).collect(),
        };
        format!("<scratchpad>Plan.</scratchpad><content>{text}</content>").into()
    }

    fn writer() -> Scripted {
        Scripted::new("repeating", written)
    }

    fn judge() -> Scripted {
        Scripted::new("judge", |request| {
            let asked = request.messages[0].text();
            let faithful = if asked.contains("word0000000of1 ") { "no" } else { "yes" };
            format!(
                "Seen.<quote></quote><faithful>{faithful}</faithful><specific>yes</specific>\
                 <clean>yes</clean>"
            )
            .into()
        })
    }

    fn run(journal: &Journal, rounds: u32) -> (Assembled, PlanReport) {
        run_with(journal, rounds, (&writer(), &judge()), None)
    }

    fn run_with(
        journal: &Journal,
        rounds: u32,
        (writer, judge): (&Scripted, &Scripted),
        revise: Option<Revise>,
    ) -> (Assembled, PlanReport) {
        let spec = fixture::spec();
        let prompts = fixture::prompts();
        let config = fixture::config();
        let planning = plan(&spec, &config, &prompts, writer, journal, &());
        let (plan, planned) = block_on(planning).unwrap();
        let cheese = ["which of the two cheeses would you rather take to sea, friend"];
        let evaluation =
            Evaluation::new(&cheese, &Decontaminate { words: 8, ..Decontaminate::default() });
        let assembly = Assembly::new(fixture::config(), fixture::write_config(), prompts)
            .with_judge(judge)
            .with_evaluation(evaluation.unwrap());
        let assembly = Assembly { rounds, revise, ..assembly };
        let done = assemble(plan, &spec, &assembly, writer, journal, &());
        (block_on(done).unwrap(), planned)
    }

    #[test]
    fn what_falls_is_topped_up_until_the_corpus_is_whole() {
        let journal = Journal::in_memory().unwrap();
        let (done, planned) = run(&journal, 3);
        assert!(done.is_complete(), "{:?}", done.short);
        assert_eq!(done.corpus.documents.len(), 24);
        assert!(done.rounds > 1 && done.plan.ideas().len() == 24 + done.fallen.len());
        let count = |is: fn(&Fell) -> bool| done.fallen.iter().filter(|one| is(&one.why)).count();
        assert!(count(|why| matches!(why, Fell::Rejected { .. })) >= 1);
        assert!(count(|why| matches!(why, Fell::Contaminated { prompt: 0 })) >= 1);
        let twins = count(|why| matches!(why, Fell::Duplicate { similarity: 1.0, .. }));
        assert_eq!(twins, 7, "of eight alike one stays");
        for one in &done.fallen {
            assert!(done.corpus.documents.iter().all(|document| document.id != one.id));
            if let Fell::Duplicate { of, .. } = &one.why {
                assert!(done.corpus.documents.iter().any(|document| document.id == *of));
            }
        }

        // The same again asks nothing, and gives the same.
        let (again, _) = run(&journal, 3);
        assert_eq!(again.corpus.documents, done.corpus.documents);
        assert_eq!(again.corpus.report.requests.reused, again.corpus.report.requests.asked);

        let tokens = TokenCounts::of(&done.corpus.documents, |text| text.split(' ').count());
        let card = Card {
            license: Some("mit".to_owned()),
            prices: [("scripted/repeating".to_owned(), (1.0, 2.0))].into(),
            ..Card::new("aria | corpus")
        };
        let card = card.markdown(&done, &planned, &fixture::spec(), Some(&tokens));
        for wanted in [
            "pretty_name: \"aria | corpus\"",
            "# aria \\| corpus",
            "24 synthetic documents about Aria",
            "| duplicate | 7 |",
            "| holds a prompt of an evaluation |",
            "| judge: not faithful |",
            "| corpus/review |",
            "n<1K",
            &format!("ideas `{}`", fixture::prompts().ideas.hash()),
        ] {
            assert!(card.contains(wanted), "`{wanted}` is not in\n{card}");
        }
    }

    /// To whom the second documents of all types mean the same, and no others.
    struct Seconds;

    impl Embedder for Seconds {
        fn embed<'a>(
            &'a self,
            texts: &'a [&'a str],
        ) -> futures::future::BoxFuture<'a, crate::dedup::Embedded> {
            let vector = |text: &&str| {
                let first = text.split("of").next().unwrap_or_default();
                let hash = blake3::hash(text.as_bytes());
                match first.starts_with("word") && first.ends_with('1') {
                    true => vec![1.0; 32],
                    false => hash.as_bytes().iter().map(|&byte| f32::from(byte) - 127.5).collect(),
                }
            };
            Box::pin(std::future::ready(Ok(texts.iter().map(vector).collect())))
        }
    }

    #[test]
    fn what_means_the_same_is_topped_up_too() {
        let (spec, journal) = (fixture::spec(), Journal::in_memory().unwrap());
        let (config, prompts) = (fixture::config(), fixture::prompts());
        let writer = writer();
        let run = |cosine| {
            let planning = plan(&spec, &config, &prompts, &writer, &journal, &());
            let (plan, _) = block_on(planning).unwrap();
            let assembly = Assembly::new(config.clone(), fixture::write_config(), prompts.clone());
            let assembly = assembly.with_embedder(&Seconds, cosine);
            block_on(assemble(plan, &spec, &assembly, &writer, &journal, &()))
        };
        let error = run(1.5).unwrap_err();
        assert!(matches!(error, crate::Error::Config { setting: "threshold", .. }), "{error}");
        let done = run(0.9).unwrap();
        assert!(done.is_complete(), "{:?}", done.short);
        let similar = done.fallen.iter().filter_map(|one| match &one.why {
            Fell::Similar { of, cosine } => Some((of, *cosine)),
            _ => None,
        });
        let similar: Vec<(&String, f64)> = similar.collect();
        assert_eq!(similar.len(), 3, "of four second documents one stays");
        for (of, cosine) in similar {
            assert!(done.corpus.documents.iter().any(|document| document.id == *of));
            assert!(cosine > 0.999);
        }
    }

    #[test]
    fn batches_make_the_same_corpus() {
        let plain = run(&Journal::in_memory().unwrap(), 3).0;
        let limits = ethos_core::BatchLimits::new(7, 1 << 20);
        let (writer, judge) = (writer().with_batches(limits), judge().with_batches(limits));
        let journal = Journal::in_memory().unwrap();
        let batched = run_with(&journal, 3, (&writer, &judge), None).0;
        assert_eq!(batched.corpus.documents, plain.corpus.documents);
        assert_eq!((batched.corpus.report, batched.review), (plain.corpus.report, plain.review));
        let stats = journal.stats().unwrap();
        assert_eq!((stats.in_flight, stats.batches), (0, 0));
    }

    /// Writes as [`writer`] does, and anything anew in other words.
    fn reviser() -> Scripted {
        Scripted::new("revising", |request| {
            let asked = request.messages[0].text();
            if !asked.contains("First criticise the document") {
                return written(request);
            }
            let text: String = (0..20).map(|n| format!("better{}of{n} ", asked.len())).collect();
            format!("<scratchpad>It invents.</scratchpad><content>{text}</content>").into()
        })
    }

    #[test]
    fn what_a_judge_objects_to_is_revised_and_judged_again() {
        let journal = Journal::in_memory().unwrap();
        let plain = run_with(&journal, 0, (&reviser(), &judge()), None).0;
        let rejected = |done: &Assembled| {
            done.fallen.iter().filter(|one| matches!(one.why, Fell::Rejected { .. })).count()
        };
        assert!(rejected(&plain) >= 1 && plain.revised.is_none());
        let done = run_with(&journal, 0, (&reviser(), &judge()), Some(Revise::Rejected)).0;
        let revised = done.revised.as_ref().unwrap();
        assert_eq!((revised.revised, revised.unrevised), (rejected(&plain) as u64, 0));
        assert_eq!((revised.saved, rejected(&done)), (revised.revised, 0));
        let anew: Vec<_> = done
            .corpus
            .documents
            .iter()
            .filter(|document| document.metadata.contains_key("revised"))
            .collect();
        assert_eq!(anew.len() as u64, revised.revised);
        assert!(anew.iter().all(|document| document.text.starts_with("better")));
        let review = done.review.as_ref().unwrap();
        assert_eq!(review.requests.asked, plain.review.unwrap().requests.asked + revised.revised);

        let all = run_with(&journal, 0, (&reviser(), &judge()), Some(Revise::All)).0;
        assert_eq!(all.revised.unwrap().revised, 24);
        let card =
            Card::new("revised").markdown(&done, &PlanReport::default(), &fixture::spec(), None);
        let hash = ReviewPrompts::default().revise.hash();
        assert!(
            card.contains(&hash)
                && card.contains("| corpus/revise |")
                && card.contains("written anew"),
            "{card}"
        );
    }

    #[test]
    fn a_round_in_which_nothing_could_be_written_is_accounted_for_and_not_the_last() {
        // The judge objects to the first document; of the ideas that take its place the first is declined.
        let declined = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
        let count = std::sync::Arc::clone(&declined);
        let writer = Scripted::new("declining", move |request| {
            let asked = Asked::read(&request.messages[0].text());
            match asked.stage == "document" && asked.of.ends_with(", 3") {
                true => {
                    count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    ethos_core::Completion::new("").with_stop(ethos_core::Stop::Refusal)
                }
                false => asked.answer().into(),
            }
        });
        let judge = Scripted::new("judge", |request| {
            let asked = request.messages[0].text();
            let first = "domains 0/topics 0/types 0/ideas of domains 0/topics 0/types 0, 0.";
            let faithful = if asked.contains(first) { "no" } else { "yes" };
            format!(
                "Seen.<quote></quote><faithful>{faithful}</faithful><specific>yes</specific>\
                 <clean>yes</clean>"
            )
            .into()
        });
        let (spec, journal) = (fixture::spec(), Journal::in_memory().unwrap());
        let (config, prompts) = (fixture::config(), fixture::prompts());
        let planning = plan(&spec, &config, &prompts, &writer, &journal, &());
        let (plan, _) = block_on(planning).unwrap();
        let assembly = Assembly::new(config.clone(), fixture::write_config(), prompts);
        let assembly = Assembly { dedup: None, ..assembly.with_judge(&judge) };
        let done = block_on(assemble(plan, &spec, &assembly, &writer, &journal, &())).unwrap();
        assert!(done.is_complete(), "{:?}", done.short);
        assert_eq!((done.rounds, done.corpus.documents.len(), done.fallen.len()), (3, 24, 2));
        let unwritten = done.fallen.iter().filter(|one| matches!(one.why, Fell::Unwritten(_)));
        assert_eq!(unwritten.count(), 1);
        let refused = declined.load(std::sync::atomic::Ordering::SeqCst);
        assert_eq!(done.corpus.report.requests.unusable["refusal"], refused);
    }

    #[test]
    fn a_judge_that_is_down_is_an_error_and_writes_nothing_anew() {
        use std::sync::atomic::{AtomicU64, Ordering};
        let requests = std::sync::Arc::new(AtomicU64::new(0));
        let count = std::sync::Arc::clone(&requests);
        let writer = Scripted::new("right", move |request| {
            count.fetch_add(1, Ordering::SeqCst);
            Asked::read(&request.messages[0].text()).answer().into()
        });
        let fine =
            "So.<quote></quote><faithful>yes</faithful><specific>yes</specific><clean>yes</clean>";
        let (spec, journal) = (fixture::spec(), Journal::in_memory().unwrap());
        let run = |judge: &dyn Model| {
            let (config, prompts) = (fixture::config(), fixture::prompts());
            let planning = plan(&spec, &config, &prompts, &writer, &journal, &());
            let (plan, _) = block_on(planning).unwrap();
            let assembly = Assembly::new(config.clone(), fixture::write_config(), prompts);
            let assembly = Assembly { dedup: None, ..assembly.with_judge(judge) };
            block_on(assemble(plan, &spec, &assembly, &writer, &journal, &()))
        };
        let down = |_: &ethos_core::Request| {
            let kind = ethos_core::ModelErrorKind::Auth;
            Err(ethos_core::Error::model("down", kind, "give it a key"))
        };
        let error = run(&Scripted::fallible("judge", down)).unwrap_err();
        assert!(error.to_string().contains("`corpus/review`: all of its 24"), "{error}");
        let paid = requests.load(Ordering::SeqCst);
        assert_eq!(paid, 19 + 24, "the plan and its documents");

        // One that fails now and then leaves holes, which a rerun fills: nothing is written in their place.
        let flaky = Scripted::fallible("judge", move |request| {
            match request.messages[0].text().contains("/types 0/ideas of") {
                true => down(request),
                false => Ok(fine.into()),
            }
        });
        let done = run(&flaky).unwrap();
        assert_eq!((done.corpus.documents.len(), done.fallen.len()), (12, 12));
        assert_eq!((done.short.len(), done.rounds), (4, 1));
        assert!(done.fallen.iter().all(|one| matches!(one.why, Fell::Unjudged(Cause::Model(_)))));
        assert_eq!(requests.load(Ordering::SeqCst), paid, "no new idea, no new document");
        let done = run(&Scripted::new("judge", move |_| fine.into())).unwrap();
        assert!(done.is_complete() && done.fallen.is_empty());
        assert_eq!(requests.load(Ordering::SeqCst), paid);
    }

    #[test]
    fn what_is_still_missing_is_named() {
        let journal = Journal::in_memory().unwrap();
        let (done, planned) = run(&journal, 0);
        assert_eq!(done.rounds, 1);
        let missing: usize = done.short.iter().map(|short| short.wanted - short.got).sum();
        assert_eq!(done.corpus.documents.len() + missing, 24);
        assert_eq!(missing, done.fallen.len());
        let card = Card::new("short").markdown(&done, &planned, &fixture::spec(), None);
        assert!(card.contains("documents instead of 3."), "{card}");
    }
}
