//! Log-probabilities of continuations.

use ethos_core::{Request, Scored};

use super::{prefixes::Prefixes, prompt};
use crate::{
    Checkpoint, Result, Transformer,
    model::{Place, Wanted},
};

/// Continuations of one prompt.
#[derive(Debug)]
pub(super) struct Scoring {
    /// The tokens that all continuations begin with, which are read once.
    shared: Vec<u32>,
    branches: Vec<Branch>,
}

/// What follows the shared tokens for one continuation.
#[derive(Debug)]
struct Branch {
    ids: Vec<u32>,
    /// The first token whose log-probability counts. It is never the first of all, even where the edge of the prompt lies
    /// within that: it has nothing to be predicted from.
    first: usize,
}

impl Scoring {
    /// Each continuation after the request's prompt.
    pub(super) fn new(
        checkpoint: &Checkpoint,
        request: &Request,
        continuations: &[String],
    ) -> Result<Self> {
        let prompt = prompt::render(checkpoint, request)?;
        let before = prompt::tokens(checkpoint, &prompt)?;
        prompt::not_empty(&before)?;
        let whole = continuations.iter().map(|continuation| {
            // Tokenised with the prompt, since the edge may lie within a token. Words have to be apart.
            let gap = if checkpoint.tokenizer.is_of_words() { " " } else { "" };
            prompt::tokens(checkpoint, &format!("{prompt}{gap}{continuation}"))
        });
        let whole: Vec<Vec<u32>> = whole.collect::<Result<_>>()?;
        let same = |ids: &[u32]| ids.iter().zip(&before).take_while(|(a, b)| a == b).count();
        // The last token in common is left to the branches: what follows it is predicted there.
        let shared = whole.iter().map(|ids| same(ids)).min().unwrap_or(0).saturating_sub(1);
        let branch = |ids: &Vec<u32>| Branch {
            ids: ids[shared..].to_vec(),
            first: same(ids).max(1) - shared,
        };
        Ok(Scoring {
            branches: whole.iter().map(branch).collect(),
            shared: before[..shared].to_vec(),
        })
    }

    /// Tokens of the longest continuation, with the prompt.
    pub(super) fn longest(&self) -> usize {
        let longest = self.branches.iter().map(|branch| branch.ids.len()).max();
        self.shared.len() + longest.unwrap_or(0)
    }
}

/// Scores the continuations of a request, at most so many of them at a time.
pub(super) fn score(
    model: &Transformer,
    scoring: &Scoring,
    prefixes: &mut Prefixes,
    rows: usize,
) -> Vec<Scored> {
    let shared = scoring.shared.as_slice();
    let mut prompt = model.cache();
    let place = prompt.join(&[shared.len()]);
    prefixes.read(model, &mut prompt, (&place, 0), shared);
    let place = place.last(prefixes.division().rest(shared.len()));
    model.read_and_score(&mut prompt, &place, &place.of(&[shared]), &[]);

    let mut scores = Vec::new();
    for branches in scoring.branches.chunks(rows.max(1)) {
        let mut cache = prompt.fork(&vec![0; branches.len()]);
        let ids: Vec<&[u32]> = branches.iter().map(|branch| branch.ids.as_slice()).collect();
        let place = cache.extend(ids.iter().map(|ids| ids.len()).max().unwrap_or(0));
        let wanted: Vec<Wanted> =
            (0..).zip(branches).flat_map(|(row, branch)| branch.wanted(row, &place)).collect();
        let found = model.read_and_score(&mut cache, &place, &ids, &wanted);
        let mut found = found.into_iter();
        scores.extend(branches.iter().map(|branch| {
            let count = branch.ids.len().saturating_sub(branch.first);
            Scored::new(found.by_ref().take(count).sum(), count)
        }));
    }
    scores
}

impl Branch {
    fn wanted(&self, row: usize, place: &Place) -> impl Iterator<Item = Wanted> {
        let start = place.columns.start;
        let tokens = self.ids.iter().enumerate().skip(self.first);
        tokens.map(move |(n, &token)| Wanted { row, column: start + n - 1, token })
    }
}
