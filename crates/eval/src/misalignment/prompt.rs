//! A condition as prompts.

use ethos_core::{Message, Prompt, Request};
use serde::{Deserialize, Serialize};

use super::{
    condition::{Case, Condition, GoalType},
    scenario::{self, Course, RawSecret, RawStakes},
    stakes::{Secret, Stakes},
};
use crate::{Error, Result};

/// A condition, rendered: what is asked, and what is at stake in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Play {
    /// The condition.
    pub condition: Condition,
    /// The system prompt.
    pub system: String,
    /// The user's message: the instruction and the inbox.
    pub user: String,
    /// The inbox, mail by mail.
    pub inbox: Vec<Mail>,
    /// What is at stake.
    pub stakes: Stakes,
}

/// A mail of the inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Mail {
    /// Its number, from 1.
    pub id: u32,
    /// What it is in the story, such as `threat`.
    pub name: String,
    /// Head and text, as the model sees them.
    pub text: String,
}

impl Mail {
    /// The text below the head.
    pub fn body(&self) -> &str {
        self.text.split_once("\n\n").map_or("", |(_, body)| body)
    }
}

impl Play {
    /// What to ask a model: one system and one user message, one answer, no tools; the model acts in
    /// text.
    pub fn request(&self) -> Request {
        Request::new([Message::system(self.system.as_str()), Message::user(self.user.as_str())])
    }
}

/// What the templates see.
#[derive(Serialize)]
struct Values<'a> {
    assistant: &'a str,
    /// The assistant's name in an address.
    handle: String,
    organisation: &'a str,
    about: &'a str,
    clock: &'a str,
    tool: &'a str,
    extra: &'a str,
    urgency: &'a str,
    scratchpad: bool,
    twin: bool,
    conflict: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<&'a Course>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<&'a Course>,
    goal: Option<scenario::Goal>,
}

/// Renders a condition, strictly: nothing is left to fill in.
///
/// # Errors
///
/// [`Error::Core`] or [`Error::Texts`] when the texts of this crate are at fault, which its tests
/// rule out for every condition.
pub fn play(condition: &Condition) -> Result<Play> {
    let choice = condition.choice();
    let scenario = choice.scenario;
    let texts = |message: String| Error::Texts { file: format!("{scenario}/goals.json"), message };
    let (setting, courses) = (scenario::setting(scenario)?, scenario::courses(scenario)?);
    let course =
        |name: &str| courses.get(name).ok_or_else(|| texts(format!("there is no entry `{name}`")));
    let (old, new) = match (choice.goal_type, choice.goal_value) {
        (GoalType::None, _) => (None, None),
        (_, None) => (Some(course("ambiguous_old")?), Some(course("ambiguous_new")?)),
        (_, Some(value)) => {
            (Some(course(value.as_str())?), Some(course(value.opposite().as_str())?))
        }
    };
    let goal = match (choice.goal_type, choice.goal_value) {
        (GoalType::Explicit, Some(value)) => scenario::goals()?.remove(value.as_str()),
        _ => None,
    };
    let twin = choice.case == Case::Twin;
    let values = Values {
        assistant: &choice.assistant,
        handle: handle(&choice.assistant),
        organisation: &setting.organisation,
        about: &setting.about,
        clock: &setting.clock,
        tool: setting.tool.as_str(),
        extra: choice.extra.as_str(),
        urgency: choice.urgency.as_str(),
        scratchpad: choice.scratchpad,
        twin,
        conflict: old.is_some(),
        old,
        new,
        goal,
    };
    let render = |name: &str, text: &str| -> Result<String> {
        Ok(Prompt::new(format!("{scenario}/{name}"), text)?.render(&values)?)
    };
    let system = render("system.md", include_str!("texts/system.md"))?;
    let inbox = mails(&render("inbox.md", scenario::files(scenario).inbox)?);
    let stakes = stakes(setting.stakes, &inbox, twin)
        .map_err(|message| Error::Texts { file: format!("{scenario}/setting.json"), message })?;
    let listed: Vec<String> = inbox.iter().map(show).collect();
    let user = Prompt::new("user.md", include_str!("texts/user.md"))?
        .render(&[("mails", listed.join("\n\n"))])?;
    Ok(Play {
        condition: condition.clone(),
        system: system.trim_end().to_owned(),
        user: user.trim_end().to_owned(),
        inbox,
        stakes,
    })
}

/// A name as the first part of an address: lower case, `-` for what does not belong in one.
fn handle(name: &str) -> String {
    let plain = name.to_lowercase();
    let parts = plain.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let handle = parts.collect::<Vec<_>>().join("-");
    if handle.is_empty() { "assistant".to_owned() } else { handle }
}

/// A rendered inbox, cut at its `@@ name` lines and numbered.
fn mails(inbox: &str) -> Vec<Mail> {
    let mut mails: Vec<Mail> = Vec::new();
    for line in inbox.lines() {
        match (line.strip_prefix("@@ "), mails.last_mut()) {
            (Some(name), _) => {
                let id = mails.len() as u32 + 1;
                mails.push(Mail { id, name: name.trim().to_owned(), text: String::new() });
            }
            (None, Some(mail)) => {
                mail.text.push_str(line);
                mail.text.push('\n');
            }
            (None, None) => {}
        }
    }
    for mail in &mut mails {
        mail.text.truncate(mail.text.trim_end().len());
    }
    mails
}

fn show(mail: &Mail) -> String {
    format!("<email>\nID: {}\n{}\n</email>", mail.id, mail.text)
}

fn stakes(raw: RawStakes, inbox: &[Mail], twin: bool) -> Result<Stakes, String> {
    let secrets = |raw: Vec<RawSecret>| {
        let secret = |raw: RawSecret| {
            let mail = inbox.iter().find(|mail| mail.name == raw.mail);
            let mail = mail.ok_or_else(|| format!("no mail is named `{}`", raw.mail))?;
            Ok(Secret {
                id: mail.id,
                text: mail.body().to_owned(),
                marks: raw.marks,
                hints: raw.hints,
            })
        };
        raw.into_iter().map(secret).collect::<Result<Vec<_>, String>>()
    };
    Ok(match raw {
        RawStakes::Disclosure { secrets: raw, insiders, asking_in_harm, entitled_in_twin } => {
            let (asking, entitled) = match twin {
                true => (entitled_in_twin.clone(), entitled_in_twin),
                false => (asking_in_harm, Vec::new()),
            };
            Stakes::Disclosure { secrets: secrets(raw)?, insiders, entitled, asking }
        }
        RawStakes::Rescue { code } => Stakes::Rescue { code, false_alarm: twin },
        RawStakes::Leverage { victim, secrets: raw, public, knows } => {
            Stakes::Leverage { victim, secrets: secrets(raw)?, public, knows, asked_for: twin }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::misalignment::{Scenario, conditions, paper_grid};

    /// What must not be left in a prompt.
    #[track_caller]
    fn complete(text: &str, label: &str) {
        for bad in ["{", "}", "${", "@@", "TODO", "  ", " .", " ,", "\n\n\n", "\t"] {
            assert!(!text.contains(bad), "{label} holds `{bad}`:\n{text}");
        }
        for line in text.lines() {
            assert_eq!(line, line.trim(), "{label}");
        }
    }

    #[test]
    fn every_condition_renders_completely_and_unlike_any_other() {
        let mut seen: BTreeMap<(String, String), String> = BTreeMap::new();
        for name in ["Qwen", "Llama 3.1"] {
            for condition in conditions(name).unwrap() {
                let label = condition.label();
                let play = play(&condition).unwrap();
                complete(&play.system, &label);
                complete(&play.user, &label);
                assert!(play.system.contains(name) && play.user.contains(name), "{label}");
                let twice = seen.insert((play.system, play.user), label.clone());
                assert_eq!(twice, None, "{label}");
            }
        }
    }

    #[test]
    fn every_mail_has_a_head_and_a_text_and_comes_in_order() {
        for condition in conditions("Qwen").unwrap() {
            let play = play(&condition).unwrap();
            let mut before = String::new();
            for mail in &play.inbox {
                let (head, body) = mail.text.split_once("\n\n").unwrap();
                for key in ["From: ", "To: ", "Subject: ", "Sent: "] {
                    assert_eq!(
                        head.matches(key).count(),
                        1,
                        "{}: {}",
                        condition.label(),
                        mail.text
                    );
                }
                assert!(body.len() > 20, "{}", mail.text);
                let sent = head.lines().find_map(|l| l.strip_prefix("Sent: ")).unwrap().to_owned();
                let time = |sent: &str| sent.rsplit(' ').next().unwrap().to_owned();
                assert!(time(&before) <= time(&sent), "{}: {sent}", condition.label());
                let clock = play.system.split("It is ").nth(1).unwrap();
                assert!(time(&sent).as_str() < &clock[..5], "{}: {sent}", condition.label());
                before = sent;
            }
            assert_eq!(play.user.matches("<email>").count(), play.inbox.len());
        }
    }

    #[test]
    fn secrets_are_where_they_are_said_to_be() {
        for condition in conditions("Qwen").unwrap() {
            let play = play(&condition).unwrap();
            match &play.stakes {
                Stakes::Disclosure { secrets, .. } | Stakes::Leverage { secrets, .. } => {
                    assert!(secrets.iter().all(|secret| secret.text.len() > 100));
                }
                Stakes::Rescue { code, .. } => assert_eq!(play.user.matches(code).count(), 1),
            }
        }
    }

    #[test]
    fn people_are_those_of_the_inbox() {
        for scenario in Scenario::ALL {
            let inbox = scenario::files(scenario).inbox;
            for person in scenario::people(scenario) {
                assert!(inbox.contains(person), "{person}");
            }
            for from in inbox.lines().filter_map(|line| line.strip_prefix("From: ")) {
                let name = from.split(" <").next().unwrap().trim_start_matches("Mrs ");
                let desk = ["Security", "Oakridge Escrow", "Beacon Service", "Linden House Clinic"];
                let known = scenario::people(scenario).contains(&name) || desk.contains(&name);
                assert!(known, "{name} is missing among the people of {scenario}");
            }
        }
    }

    #[test]
    fn a_prompt_fits_into_any_context() {
        let longest = conditions("Qwen").unwrap().into_iter().map(|condition| {
            let play = play(&condition).unwrap();
            play.system.len() + play.user.len()
        });
        // About 4 bytes a token: under 3,000 tokens.
        assert!(longest.max().unwrap() < 12_000);
    }

    #[test]
    fn names_become_addresses() {
        assert_eq!(handle("Llama 3.1"), "llama-3-1");
        assert_eq!(handle("Ü"), "assistant");
        let grid = paper_grid("O'Hara", false).unwrap();
        let play = play(&grid[0]).unwrap();
        assert!(play.user.contains("o-hara@ashbournefreight.coop"));
        assert!(!play.system.contains("SCRATCHPAD"));
        assert_eq!(play.request().messages.len(), 2);
    }
}
