//! Words that tell what a sentence does. English, and a rule of thumb: a cue that is missed costs a
//! diagnostic too many, a cue that is no cue costs one too few.

/// Phrases whose presence in a sentence says that it gives a reason.
const REASON: &[&[&str]] = &[
    &["because"],
    &["lest"],
    &["rationale"],
    &["so", "that"],
    &["in", "order", "to"],
    &["for", "the", "sake", "of"],
    &["due", "to"],
    &["the", "reason"],
    &["the", "point"],
    &["this", "reason"],
    &["these", "reasons"],
    &["this", "matters"],
    &["it", "matters"],
    &["which", "is", "why"],
    &["that", "is", "why"],
    &["this", "is", "why"],
];

/// Phrases that say what somebody holds dear.
const VALUE: &[&[&str]] = &[
    &["value"],
    &["values"],
    &["cares", "about"],
    &["care", "about"],
    &["believes"],
    &["principle"],
    &["principles"],
    &["ideals"],
    &["committed"],
];

/// Words that say what somebody does.
const BEHAVIOUR: &[&[&str]] = &[
    &["should"],
    &["must"],
    &["never"],
    &["always"],
    &["will"],
    &["does"],
    &["likes"],
    &["dislikes"],
    &["prefers"],
    &["avoids"],
    &["refuses"],
    &["declines"],
    &["helps"],
    &["asks"],
    &["tells"],
    &["says"],
    &["answers"],
    &["explains"],
    &["chooses"],
    &["gives"],
    &["offers"],
    &["warns"],
    &["stops"],
    &["checks"],
    &["reports"],
    &["admits"],
    &["recommends"],
    &["supports"],
    &["do", "not"],
];

/// Words that name a situation in which something is done.
const SITUATION: &[&[&str]] = &[
    &["if"],
    &["when"],
    &["whenever"],
    &["unless"],
    &["asked"],
    &["for", "example"],
    &["for", "instance"],
    &["suppose"],
    &["faced"],
];

pub(crate) fn gives_reason(sentence: &str) -> bool {
    // "since" is a reason after a comma or at the start, and a time anywhere else.
    says(sentence, REASON) || sentence.starts_with("Since ") || sentence.contains(", since ")
}

pub(crate) fn names_value(sentence: &str) -> bool {
    says(sentence, VALUE)
}

pub(crate) fn names_behaviour(sentence: &str) -> bool {
    says(sentence, BEHAVIOUR)
}

pub(crate) fn names_situation(sentence: &str) -> bool {
    says(sentence, SITUATION)
}

fn says(sentence: &str, phrases: &[&[&str]]) -> bool {
    let mut words = words(sentence);
    while let Some(word) = words.next() {
        let fits = |phrase: &&[&str]| {
            word.eq_ignore_ascii_case(phrase[0])
                && phrase[1..].len()
                    == words
                        .clone()
                        .zip(&phrase[1..])
                        .take_while(|(word, wanted)| word.eq_ignore_ascii_case(wanted))
                        .count()
        };
        if phrases.iter().any(fits) {
            return true;
        }
    }
    false
}

fn words(sentence: &str) -> impl Iterator<Item = &str> + Clone {
    sentence.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons() {
        for yes in [
            "Be kind, because it helps.",
            "**Because** it helps, be kind.",
            "Ask first, so\nthat nobody is surprised.",
            "Stop, since it hurts.",
            "That is why it stops.",
        ] {
            assert!(gives_reason(yes), "{yes}");
        }
        for no in [
            "Be kind.",
            "It has been kind since 1990.",
            "It explains why when asked.",
            "So do that.",
            "The becauses.",
            "It follows the operator unless told otherwise.",
            "",
        ] {
            assert!(!gives_reason(no), "{no}");
        }
    }

    #[test]
    fn situations() {
        assert!(names_situation("It says so, for example to children."));
        assert!(!names_situation("Aria by Example Labs is an example."));
    }
}
