//! Logs that are archives: `.eval`.

use std::io::{BufRead, Read, Seek};

use indexmap::IndexMap;
use serde::de::DeserializeOwned;

use super::{Context, items::Items};
use crate::{
    Error, EvalLog, EvalSample, EvalSampleReductions, EvalSampleSummary, Result, SampleId, Value,
    json::Scanner,
    name,
    zip::{self, DirectoryError, Entry},
};

/// The members of an archive by name.
pub(super) struct Archive {
    members: IndexMap<String, Entry>,
}

impl Archive {
    pub(super) fn open(file: &mut (impl Read + Seek), context: &Context) -> Result<Archive> {
        let limit = context.limits.members;
        let members = zip::read_directory(file, limit).map_err(|error| match error {
            DirectoryError::Io(error) => Error::io("read", &context.path)(error),
            DirectoryError::Wrong(why) => context.not_a_log(why),
            DirectoryError::TooMany => context.too_large("list of members", limit, "members"),
        })?;
        for name in members.keys() {
            if let Some(why) = name::objection(name) {
                return Err(
                    context.not_a_log(format!("its member `{name:.200}` is refused: {why}"))
                );
            }
        }
        Ok(Archive { members })
    }

    /// Opens a member that the archive has.
    fn member<'a, F: Read + Seek>(
        &self,
        file: &'a mut F,
        context: &Context,
        name: &str,
    ) -> Result<impl BufRead + use<'a, F>> {
        let missing = || context.not_a_log(format!("it has no member `{name}`"));
        let entry = self.members.get(name).ok_or_else(missing)?;
        zip::open(file, entry).map_err(context.damaged(name))
    }

    /// Reads a member whole, if it is not larger than allowed.
    fn read<T: DeserializeOwned>(
        &self,
        file: &mut (impl Read + Seek),
        context: &Context,
        name: &str,
        (limit, raise): (u64, &'static str),
    ) -> Result<T> {
        if self.members.get(name).is_some_and(|entry| entry.size > limit) {
            return Err(context.too_large(name, limit, raise));
        }
        let mut bytes = Vec::new();
        let mut member = self.member(file, context, name)?;
        member.read_to_end(&mut bytes).map_err(context.damaged(name))?;
        context.parse(&bytes, name)
    }

    pub(super) fn header(
        &self,
        file: &mut (impl Read + Seek),
        context: &Context,
    ) -> Result<EvalLog> {
        let limit = (context.limits.header, "header");
        if self.members.contains_key(name::HEADER) {
            return self.read(file, context, name::HEADER, limit);
        }
        if !self.members.contains_key(name::START) {
            return Err(context.not_a_log("the archive has neither a header nor a start"));
        }
        let start: EvalLog = self.read(file, context, name::START, limit)?;
        // Tags and metadata stand in the finished header alone.
        let mut log =
            EvalLog { version: start.version, plan: start.plan, ..EvalLog::new(start.eval) };
        log.extra = start.extra;
        let mut room = limit.0;
        for name in self.journal(name::journal_update_number) {
            room = room.saturating_sub(self.members[name].size);
            let update: Value = self.read(file, context, name, (room, limit.1))?;
            log.config_updates.get_or_insert_default().push(update);
        }
        Ok(log)
    }

    /// Members of the journal by their numbers.
    fn journal(&self, number: impl Fn(&str) -> Option<u64>) -> Vec<&str> {
        let numbered = self.members.keys().filter_map(|name| Some((number(name)?, name.as_str())));
        let mut numbered: Vec<_> = numbered.collect();
        numbered.sort_unstable();
        numbered.into_iter().map(|(_, name)| name).collect()
    }

    pub(super) fn samples<'a>(
        &'a self,
        file: &'a mut (impl Read + Seek),
        context: &'a Context,
    ) -> impl Iterator<Item = Result<EvalSample>> + 'a {
        self.members.keys().filter_map(move |member| {
            if !member.starts_with(name::SAMPLES) || !member.ends_with(".json") {
                return None;
            }
            Some(match name::chunked(member).filter(|sample| self.is_chunked(sample)) {
                // Of the many members of such a sample, one stands for all.
                Some(sample) if *member == shell(sample) => Err(chunked(context, sample)),
                Some(_) => return None,
                None => self.read(file, context, member, (context.limits.sample, "sample")),
            })
        })
    }

    fn is_chunked(&self, sample: &str) -> bool {
        self.members.contains_key(&shell(sample))
    }

    pub(super) fn sample(
        &self,
        file: &mut (impl Read + Seek),
        context: &Context,
        id: &SampleId,
        epoch: i64,
    ) -> Result<Option<EvalSample>> {
        let Ok(member) = name::sample(id, epoch) else { return Ok(None) };
        let sample = member.trim_end_matches(".json");
        if self.members.contains_key(&member) {
            let limit = (context.limits.sample, "sample");
            return self.read(file, context, &member, limit).map(Some);
        }
        match self.is_chunked(sample) {
            true => Err(chunked(context, sample)),
            false => Ok(None),
        }
    }

    pub(super) fn summaries<'a>(
        &'a self,
        file: &'a mut (impl Read + Seek),
        context: &'a Context,
    ) -> Box<dyn Iterator<Item = Result<EvalSampleSummary>> + 'a> {
        if !self.members.contains_key(name::SUMMARIES) {
            return match self.journalled(file, context) {
                Ok(summaries) => Box::new(summaries.into_iter().map(Ok)),
                Err(error) => Box::new(std::iter::once(Err(error))),
            };
        }
        let part = name::SUMMARIES;
        let items = self.member(file, context, part);
        match items.and_then(|member| Items::new(Scanner::new(member), context, part)) {
            Ok(items) => Box::new(items),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }

    /// The summaries of a log that is not finished. A sample that was run again counts once.
    fn journalled(
        &self,
        file: &mut (impl Read + Seek),
        context: &Context,
    ) -> Result<Vec<EvalSampleSummary>> {
        let mut found = IndexMap::new();
        let mut room = context.limits.lists;
        for member in self.journal(name::journal_summary_number) {
            let limit = (room, "lists");
            let summaries: Vec<EvalSampleSummary> = self.read(file, context, member, limit)?;
            room = room.saturating_sub(self.members[member].size);
            let keyed = summaries.into_iter().map(|one| ((one.id.to_string(), one.epoch), one));
            found.extend(keyed);
        }
        Ok(found.into_values().collect())
    }

    pub(super) fn reductions(
        &self,
        file: &mut (impl Read + Seek),
        context: &Context,
    ) -> Result<Option<Vec<EvalSampleReductions>>> {
        if !self.members.contains_key(name::REDUCTIONS) {
            return Ok(None);
        }
        self.read(file, context, name::REDUCTIONS, (context.limits.lists, "lists")).map(Some)
    }
}

fn shell(sample: &str) -> String {
    format!("{sample}/sample.json")
}

fn chunked(context: &Context, sample: &str) -> Error {
    Error::Chunked { path: context.path.clone(), sample: sample.to_owned() }
}
