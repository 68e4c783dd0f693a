//! The words of short texts, by which they are compared.

/// Words in lower case, without punctuation. An apostrophe within a word is a part of it.
pub(crate) fn words(text: &str) -> Vec<String> {
    let text = text.replace('’', "'");
    let separates = |c: char| !c.is_alphanumeric() && c != '\'';
    let words = text.split(separates).map(|word| word.trim_matches('\''));
    words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// Whether these words stand in a text, next to each other; no words stand in none.
pub(crate) fn stands_in(run: &[String], text: &[String]) -> bool {
    !run.is_empty() && text.windows(run.len()).any(|window| window == run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_none_of_a_word_and_apostrophes_are() {
        assert_eq!(words("'It’s' isn't **A-1**!"), ["it's", "isn't", "a", "1"]);
        assert!(words("'' − ?").is_empty());
        assert!(stands_in(&words("b c"), &words("a B, C")));
        assert!(!stands_in(&words("a c"), &words("a b c")) && !stands_in(&[], &words("a")));
    }
}
