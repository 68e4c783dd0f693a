//! What a judge says.

use serde::{Deserialize, Serialize};

use super::{Read, Reason, Unusable, tag};

/// A judge's verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Yes.
    Yes,
    /// No.
    No,
    /// The judge said that it cannot tell. Not the same as an answer without a verdict.
    Unclear,
}

/// The verdict in `<verdict>…</verdict>`: exactly `yes`, `no` or `unclear`, in any case, a full stop
/// allowed. "no - the email yesterday" is not a verdict, and neither is an answer without the tag.
///
/// # Errors
///
/// What [`tag`] gives, or [`Reason::UnclearVerdict`] when the tag holds something else.
pub fn verdict(text: &str) -> Read<Verdict> {
    let said = tag(text, "verdict")?;
    match said.strip_suffix('.').unwrap_or(said).to_ascii_lowercase().as_str() {
        "yes" => Ok(Verdict::Yes),
        "no" => Ok(Verdict::No),
        "unclear" => Ok(Verdict::Unclear),
        _ => Err(Unusable::new(
            Reason::UnclearVerdict,
            format!("`{}` is not yes, no or unclear", said.chars().take(80).collect::<String>()),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::reason, *};

    #[test]
    fn verdicts_are_exact() {
        assert_eq!(verdict("so <verdict>Yes.</verdict>"), Ok(Verdict::Yes));
        assert_eq!(verdict("<verdict>\nNO\n</verdict>"), Ok(Verdict::No));
        assert_eq!(verdict("<verdict>unclear</verdict>"), Ok(Verdict::Unclear));
        for said in
            ["no - the email yesterday", "yes and no", "yes, no", "yes...", "**yes**", "not"]
        {
            let read = verdict(&format!("<verdict>{said}</verdict>"));
            assert_eq!(reason(read), Reason::UnclearVerdict, "{said}");
        }
        assert_eq!(reason(verdict("yes")), Reason::MissingTag);
        let both = "<verdict>yes</verdict><verdict>no</verdict>";
        assert_eq!(reason(verdict(both)), Reason::RepeatedTag);
    }
}
