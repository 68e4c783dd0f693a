//! The names of logs and of their members.

use crate::{Error, EvalSpec, Result, SampleId};

pub(crate) const START: &str = "_journal/start.json";
pub(crate) const HEADER: &str = "header.json";
pub(crate) const SUMMARIES: &str = "summaries.json";
pub(crate) const REDUCTIONS: &str = "reductions.json";
pub(crate) const SAMPLES: &str = "samples/";
const JOURNAL_SUMMARIES: &str = "_journal/summaries/";
const JOURNAL_UPDATES: &str = "_journal/config_updates/";

/// The name of a log's file without its ending, as Inspect gives it: time, task and task's id. Its
/// viewer lists logs by these names.
///
/// ```
/// # use ethos_evallog::{EvalSpec, file_name};
/// let mut spec = EvalSpec::new("ethos/cheese_taste", "local/tiny", "2026-01-31T12:00:00+00:00");
/// spec.task_id = "JZ5hC".into();
/// assert_eq!(file_name(&spec) + ".eval", "2026-01-31T12-00-00-00-00_cheese-taste_JZ5hC.eval");
/// ```
pub fn file_name(spec: &EvalSpec) -> String {
    let task = match spec.task.split_once('/') {
        Some((package, name)) if package != "hf" => name,
        _ => &spec.task,
    };
    [spec.created.as_str(), task, spec.task_id.as_str()].map(clean).join("_")
}

/// Besides what Inspect replaces, what some systems do not allow in a name.
fn clean(part: &str) -> String {
    let forbidden = |c: char| c.is_control() || "_/:+\\<>\"|?*".contains(c);
    part.chars().map(|c| if forbidden(c) { '-' } else { c }).collect()
}

/// The member of a sample. Its id stands there as it is, slashes included: this is how Inspect finds
/// it.
pub(crate) fn sample(id: &SampleId, epoch: i64) -> Result<String> {
    let name = format!("{SAMPLES}{id}_epoch_{epoch}.json");
    match objection(&name) {
        Some(why) => Err(Error::Id { id: id.to_string(), why }),
        None => Ok(name),
    }
}

/// Why a member cannot have this name. Nothing here becomes a path, but whoever unpacks the archive
/// may think it does.
pub(crate) fn objection(name: &str) -> Option<&'static str> {
    if name.len() > usize::from(u16::MAX) {
        return Some("it is longer than an archive can hold");
    }
    if name.contains('\0') {
        return Some("it holds a null character");
    }
    let leads_out = |part: &str| part == "..";
    if name.starts_with('/') || name.split(['/', '\\']).any(leads_out) {
        return Some("it would lead out of a folder that the log is unpacked to");
    }
    None
}

/// A sample that is stored as many members instead of one: the name they share.
pub(crate) fn chunked(name: &str) -> Option<&str> {
    let sample = name.strip_prefix(SAMPLES)?;
    let (shared, _) = sample
        .split('/')
        .scan(0, |end, part| {
            *end += part.len() + 1;
            Some((*end - 1, part))
        })
        .find(|(end, part)| is_run(part) && *end < sample.len())?;
    Some(&name[..SAMPLES.len() + shared])
}

/// Whether it ends as the name of a run of a sample.
fn is_run(part: &str) -> bool {
    let epoch = part.rsplit_once("_epoch_").map(|(_, epoch)| epoch);
    epoch.is_some_and(|epoch| !epoch.is_empty() && epoch.bytes().all(|b| b.is_ascii_digit()))
}

pub(crate) fn journal_summary(number: u64) -> String {
    format!("{JOURNAL_SUMMARIES}{number}.json")
}

/// The number of a member of the journal: a list of summaries, or a change of the configuration.
pub(crate) fn journal_summary_number(name: &str) -> Option<u64> {
    name.strip_prefix(JOURNAL_SUMMARIES)?.strip_suffix(".json")?.parse().ok()
}

pub(crate) fn journal_update_number(name: &str) -> Option<u64> {
    name.strip_prefix(JOURNAL_UPDATES)?.strip_suffix(".json")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stand_in_names_as_they_are() {
        let of = |id: &str| sample(&id.into(), 2);
        assert_eq!(sample(&7.into(), 1).unwrap(), "samples/7_epoch_1.json");
        assert_eq!(of("a/b c ☂").unwrap(), "samples/a/b c ☂_epoch_2.json");
        assert_eq!(of("..").unwrap(), "samples/.._epoch_2.json");
        for wrong in ["../x", "a/../b", "a\0b", "..\\x", "/../", &"x".repeat(70_000)] {
            assert!(matches!(of(wrong), Err(Error::Id { .. })), "{wrong:.20}");
        }
    }

    #[test]
    fn chunks_are_told_from_samples() {
        assert_eq!(chunked("samples/a_epoch_1/sample.json"), Some("samples/a_epoch_1"));
        assert_eq!(chunked("samples/a/b_epoch_1/events/0.json"), Some("samples/a/b_epoch_1"));
        assert_eq!(chunked("samples/a/b_epoch_1.json"), None);
        assert_eq!(chunked("samples/1_epoch_1.json"), None);
    }

    #[test]
    fn packages_of_tasks_are_left_out_of_names() {
        let name = |task: &str| file_name(&EvalSpec::new(task, "m", "t"));
        assert_eq!(name("inspect_evals/gpqa_diamond"), "t_gpqa-diamond_");
        assert_eq!(name("hf/a/b"), "t_hf-a-b_");
        assert_eq!(name("a\\b"), "t_a-b_");
    }
}
