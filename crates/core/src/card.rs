//! What the cards of data sets have in common, as the Hugging Face hub shows them.

use std::{collections::BTreeMap, fmt::Write};

use crate::model::Usage;

/// Price of a million tokens of requests and of answers, by the key of a model.
pub type Prices = BTreeMap<String, (f64, f64)>;

/// How a card begins: front matter, and the title.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// The data set's name.
    pub name: &'a str,
    /// The licence, as the hub names it.
    pub license: Option<&'a str>,
    /// The language, as the hub names it: `en`.
    pub language: &'a str,
    /// How many rows it has.
    pub rows: usize,
    /// Words by which it is found.
    pub tags: &'a [&'a str],
}

impl Head<'_> {
    /// The front matter in YAML and the title, in Markdown.
    ///
    /// ```
    /// use ethos_core::card::Head;
    ///
    /// let head = Head { name: "few \"facts\"", license: None, language: "en", rows: 7, tags: &["honesty"] };
    /// let text = head.markdown();
    /// assert!(text.starts_with("---\npretty_name: \"few \\\"facts\\\"\"\nlanguage:\n- \"en\"\n"));
    /// assert!(text.ends_with("---\n\n# few \"facts\"\n\n"));
    /// ```
    pub fn markdown(&self) -> String {
        let mut head = format!("---\npretty_name: {}\n", quoted(self.name));
        if let Some(license) = self.license {
            let _ = writeln!(head, "license: {}", quoted(license));
        }
        let _ = writeln!(head, "language:\n- {}", quoted(self.language));
        let _ = writeln!(head, "size_categories:\n- {}", size(self.rows));
        head.push_str("task_categories:\n- text-generation\ntags:\n");
        for tag in self.tags {
            let _ = writeln!(head, "- {}", quoted(tag));
        }
        let _ = writeln!(head, "---\n\n# {}\n", one_line(self.name));
        head
    }
}

/// What one stage took of one model.
#[derive(Clone, Copy, Debug)]
pub struct Spent<'a> {
    /// The stage.
    pub stage: &'a str,
    /// The model's key; `None` where it is not known.
    pub model: Option<&'a str>,
    /// Answers that could be used.
    pub usable: u64,
    /// Answers that could not.
    pub unusable: u64,
    /// Requests to which no answer came.
    pub errors: u64,
    /// Tokens of all answers.
    pub usage: Usage,
}

impl Spent<'_> {
    fn cost(&self, prices: &Prices) -> Option<f64> {
        if self.usage == Usage::default() {
            return Some(0.0);
        }
        let (input, output) = prices.get(self.model?)?;
        Some((self.usage.input as f64 * input + self.usage.output as f64 * output) / 1e6)
    }
}

/// The table of what was asked and what it cost, in Markdown. A cost whose price is not given is told as `?`.
pub fn spending<'a>(stages: impl IntoIterator<Item = Spent<'a>>, prices: &Prices) -> String {
    let told = |cost: Option<f64>| cost.map_or_else(|| "?".to_owned(), |cost| format!("{cost:.2}"));
    let mut table =
        "| stage | answers used | not usable | errors | tokens in | tokens out | cost |\n\
                     |---|---:|---:|---:|---:|---:|---:|\n"
            .to_owned();
    let (mut all, mut sum) = (Usage::default(), Some(0.0));
    for one in stages {
        let cost = one.cost(prices);
        let Spent { stage, usable, unusable, errors, usage, .. } = one;
        let (input, output, cost_told) = (usage.input, usage.output, told(cost));
        let _ = writeln!(
            table,
            "| {stage} | {usable} | {unusable} | {errors} | {input} | {output} | {cost_told} |"
        );
        all += usage;
        sum = sum.zip(cost).map(|(sum, cost)| sum + cost);
    }
    let _ = writeln!(table, "| all | | | | {} | {} | {} |", all.input, all.output, told(sum));
    if sum.is_none() {
        table.push_str("\nA `?` is the cost of a model whose price was not given.\n");
    }
    table
}

/// A text from anywhere, as a part of a line or a cell of Markdown.
pub fn one_line(text: &str) -> String {
    let text: Vec<&str> = text.split_whitespace().collect();
    text.join(" ").replace('|', "\\|")
}

/// The hub's words for a number of rows.
fn size(rows: usize) -> &'static str {
    match rows {
        0..1_000 => "n<1K",
        1_000..10_000 => "1K<n<10K",
        10_000..100_000 => "10K<n<100K",
        100_000..1_000_000 => "100K<n<1M",
        1_000_000..10_000_000 => "1M<n<10M",
        10_000_000..100_000_000 => "10M<n<100M",
        _ => "100M<n<1B",
    }
}

/// A string in YAML, which reads JSON's, but for what it takes for the end of a line or does not print.
fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    let mut quoted = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => {
                let _ = write!(quoted, "\\u{:04x}", c as u32);
            }
            c => quoted.push(c),
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_stay_one_line_of_yaml() {
        assert_eq!(quoted("a: \"b\"\n- #c\\"), r##""a: \"b\"\n- #c\\""##);
        assert_eq!(quoted("a\u{85}b\u{2028}é"), "\"a\\u0085b\\u2028é\"");
        assert_eq!(one_line(" a |\n b "), "a \\| b");
    }

    #[test]
    fn a_cost_that_is_not_known_is_not_told() {
        let spent =
            |model, usage| Spent { stage: "s", model, usable: 1, unusable: 0, errors: 0, usage };
        let prices = Prices::from([("m".to_owned(), (1.0, 2.0))]);
        let known = [spent(Some("m"), Usage::new(500_000, 250_000)), spent(None, Usage::default())];
        let table = spending(known, &prices);
        assert!(table.contains("| s | 1 | 0 | 0 | 500000 | 250000 | 1.00 |"), "{table}");
        assert!(table.ends_with("| all | | | | 500000 | 250000 | 1.00 |\n"), "{table}");
        let table = spending([spent(Some("n"), Usage::new(1, 1))], &prices);
        assert!(table.contains("| ? |\n\nA `?` is"), "{table}");
    }
}
