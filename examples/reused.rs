//! What a rerun did not pay for again: shared by the examples that keep a journal of what they ask.

use ethos_corpus::Requests;

/// How many of these answers an earlier run had left in the journal.
pub(crate) fn told<'r>(requests: impl IntoIterator<Item = &'r Requests>) -> String {
    let (asked, reused) = requests
        .into_iter()
        .fold((0, 0), |(asked, reused), stage| (asked + stage.asked, reused + stage.reused));
    format!("{reused} of {asked} answers were in the journal already")
}
