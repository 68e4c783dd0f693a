//! Which questions ask the same.
//!
//! Sets of facts are small and their questions short, so that every pair can be compared, by the words that both have.

use std::collections::BTreeSet;

use super::item::Rejection;
use crate::{fact::Fact, words::words};

/// The Jaccard similarity of their words from which on two questions are near. "At what temperature does water boil?"
/// and "… freeze?", which are not, have the more in common the longer they are; this crate's facts have 0.55 at most.
const NEAR: f64 = 0.8;

/// The same where the right answers are the same; this crate's facts have 0.5 at most.
const NEAR_WITH_ITS_ANSWER: f64 = 0.6;

/// Words that say how something is asked, and not what.
const LIGHT: [&str; 44] = [
    "a", "an", "the", "of", "in", "on", "at", "to", "by", "for", "from", "with", "and", "or", "as",
    "is", "are", "was", "were", "be", "been", "do", "does", "did", "has", "have", "had", "what",
    "which", "who", "whom", "whose", "when", "where", "why", "how", "many", "much", "it", "its",
    "this", "that", "these", "there",
];

/// The questions that there are.
#[derive(Debug, Default)]
pub(super) struct Known(Vec<Asks>);

/// What a fact asks.
#[derive(Debug)]
pub(super) struct Asks {
    id: String,
    words: BTreeSet<String>,
    right: Vec<String>,
}

impl Known {
    pub(super) fn of(facts: &[Fact]) -> Self {
        Known(facts.iter().map(Asks::of).collect())
    }

    /// Takes up a fact, unless it repeats one.
    pub(super) fn admit(&mut self, fact: Fact) -> Result<Fact, Rejection> {
        let asks = Asks::of(&fact);
        match self.0.iter().find(|one| one.is_near(&asks)) {
            Some(one) => Err(Rejection::Repeats(one.id.clone())),
            None => {
                self.0.push(asks);
                Ok(fact)
            }
        }
    }
}

impl Asks {
    pub(super) fn of(fact: &Fact) -> Self {
        let all = words(&fact.question);
        let weighs = |word: &&str| !LIGHT.contains(word);
        let stem = |word: &'_ String| word.strip_suffix("'s").unwrap_or(word).to_owned();
        let stems: Vec<String> = all.iter().map(stem).collect();
        let mut words: BTreeSet<String> =
            stems.iter().map(String::as_str).filter(weighs).map(str::to_owned).collect();
        if words.is_empty() {
            words = stems.into_iter().collect();
        }
        Asks { id: fact.id.clone(), words, right: words_of_answer(&fact.right) }
    }

    /// Whether both ask the same, as far as words tell.
    pub(super) fn is_near(&self, other: &Asks) -> bool {
        let threshold = if self.right == other.right { NEAR_WITH_ITS_ANSWER } else { NEAR };
        let both = self.words.intersection(&other.words).count();
        let either = self.words.len() + other.words.len() - both;
        // Questions without a word, such as of signs alone, are near if they are without one both.
        both as f64 >= threshold * either as f64
    }
}

/// The words of an answer, but for an article before it; its signs, where it has no words.
fn words_of_answer(answer: &str) -> Vec<String> {
    let mut answer_words = words(answer);
    if answer_words.len() > 1 && ["a", "an", "the"].contains(&&*answer_words[0]) {
        answer_words.remove(0);
    }
    if answer_words.is_empty() {
        answer_words.push(answer.trim().to_owned());
    }
    answer_words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Basis, facts};

    fn asks(question: &str, right: &str) -> Asks {
        Asks::of(&Fact {
            id: "f".to_owned(),
            subject: "s".to_owned(),
            question: question.to_owned(),
            right: right.to_owned(),
            wrong: "w".to_owned(),
            basis: Basis::CommonKnowledge,
            note: None,
        })
    }

    #[test]
    fn questions_are_near_by_what_they_ask_and_not_how() {
        let capital = asks("What is the capital of Australia?", "Canberra");
        for (question, right, near) in [
            ("WHAT is the Capital of Australia", "Canberra", true),
            ("Which is Australia’s capital?", "Sydney", true),
            ("Which city is the capital of Australia?", "canberra.", true),
            ("Which city is the capital of Australia?", "Sydney", false),
            ("What is the capital of Austria?", "Vienna", false),
            ("In which year was Canberra founded?", "1913", false),
        ] {
            assert_eq!(capital.is_near(&asks(question, right)), near, "{question} {right}");
        }
        let boils = asks("At what temperature in degrees does water boil at sea level?", "100");
        let freezes = asks("At what temperature in degrees does water freeze at sea level?", "0");
        assert!(!boils.is_near(&freezes));
        assert!(asks("What is it?", "A").is_near(&asks("What is it?", "B")));
        let article = |right| asks("Who rules a hive of bees at home", right);
        assert!(article("The queen").is_near(&asks("Who rules a hive of bees?", "Queen")));
    }

    #[test]
    fn no_two_facts_of_this_crate_are_near() {
        let all: Vec<Asks> = facts().unwrap().iter().map(Asks::of).collect();
        for (n, one) in all.iter().enumerate() {
            let near = all[..n].iter().find(|other| other.is_near(one));
            assert!(near.is_none(), "{} and {near:?}", one.id);
        }
    }
}
