//! `strftime_now`, in UTC.

use std::rc::Rc;

use super::{
    fault::Eval,
    meter::{Meter, Writer},
};

const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A day and a time of it.
struct Moment {
    year: i64,
    /// From 1.
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    /// From 0, Monday.
    weekday: i64,
    /// From 0.
    day_of_year: i64,
    timestamp: i64,
}

/// How many days before 1970 or after it the year begins, in the proleptic Gregorian calendar.
fn year_start(year: i64) -> i64 {
    let before = year - 1;
    365 * (year - 1970) + before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400)
        - 477
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

impl Moment {
    fn at(timestamp: i64) -> Self {
        let (days, seconds) = (timestamp.div_euclid(86400), timestamp.rem_euclid(86400));
        let mut year = 1970 + days.div_euclid(366);
        while year_start(year + 1) <= days {
            year += 1;
        }
        let day_of_year = days - year_start(year);
        let lengths =
            [31, if is_leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let (mut month, mut day) = (1, day_of_year);
        for length in lengths {
            if day < length {
                break;
            }
            day -= length;
            month += 1;
        }
        Moment {
            year,
            month,
            day: day + 1,
            hour: seconds / 3600,
            minute: seconds / 60 % 60,
            second: seconds % 60,
            weekday: (days + 3).rem_euclid(7),
            day_of_year,
            timestamp,
        }
    }

    /// ISO 8601's year and week.
    fn iso_week(&self) -> (i64, i64) {
        // The week belongs to the year that its Thursday is in.
        let thursday = self.day_of_year - self.weekday + 3;
        if thursday < 0 {
            let length = 365 + i64::from(is_leap(self.year - 1));
            return (self.year - 1, (thursday + length) / 7 + 1);
        }
        let length = 365 + i64::from(is_leap(self.year));
        if thursday >= length { (self.year + 1, 1) } else { (self.year, thursday / 7 + 1) }
    }
}

/// The moment in Python's `strftime` notation, `%-d` for a number without its zero included.
pub(super) fn strftime(meter: &Rc<Meter>, format: &str, timestamp: i64) -> Eval<String> {
    let mut writer = Writer::new(meter);
    write(&mut writer, format, &Moment::at(timestamp))?;
    Ok(writer.into_string())
}

fn write(writer: &mut Writer, format: &str, at: &Moment) -> Eval<()> {
    let mut rest = format;
    while let Some(percent) = rest.find('%') {
        writer.push(&rest[..percent])?;
        let mut chars = rest[percent + 1..].chars();
        let mut directive = chars.next();
        let flag = directive.filter(|c| matches!(c, '-' | '_' | '0' | '^' | '#'));
        if flag.is_some() {
            directive = chars.next();
        }
        let Some(directive) = directive else {
            rest = &rest[percent..];
            break;
        };
        let whole = &rest[percent..rest.len() - chars.as_str().len()];
        rest = chars.as_str();
        let number = |value: i64, width: usize| match flag {
            Some('-') => value.to_string(),
            Some('_') => format!("{value:width$}"),
            _ => format!("{value:0width$}"),
        };
        let spaced = |value: i64| match flag {
            Some('-') => value.to_string(),
            Some('0') => format!("{value:02}"),
            _ => format!("{value:2}"),
        };
        let (day, month) = (DAYS[at.weekday as usize], MONTHS[at.month as usize - 1]);
        let twelve = (at.hour + 11) % 12 + 1;
        let half = if at.hour < 12 { "AM" } else { "PM" };
        let text = match directive {
            'a' => day[..3].to_owned(),
            'A' => day.to_owned(),
            'w' => ((at.weekday + 1) % 7).to_string(),
            'u' => (at.weekday + 1).to_string(),
            'd' => number(at.day, 2),
            'e' => spaced(at.day),
            'b' | 'h' => month[..3].to_owned(),
            'B' => month.to_owned(),
            'm' => number(at.month, 2),
            'y' => number(at.year.rem_euclid(100), 2),
            'Y' => at.year.to_string(),
            'C' => number(at.year.div_euclid(100), 2),
            'G' => at.iso_week().0.to_string(),
            'g' => number(at.iso_week().0.rem_euclid(100), 2),
            'V' => number(at.iso_week().1, 2),
            'U' => number((at.day_of_year + 7 - (at.weekday + 1) % 7) / 7, 2),
            'W' => number((at.day_of_year + 7 - at.weekday) / 7, 2),
            'j' => number(at.day_of_year + 1, 3),
            'H' => number(at.hour, 2),
            'k' => spaced(at.hour),
            'I' => number(twelve, 2),
            'l' => spaced(twelve),
            'M' => number(at.minute, 2),
            'S' => number(at.second, 2),
            'f' => "000000".to_owned(),
            's' => at.timestamp.to_string(),
            'p' => half.to_owned(),
            'P' => half.to_lowercase(),
            'z' | 'Z' => String::new(),
            'n' => "\n".to_owned(),
            't' => "\t".to_owned(),
            '%' => "%".to_owned(),
            composite => {
                let inner = match composite {
                    'c' => "%a %b %e %H:%M:%S %Y",
                    'x' | 'D' => "%m/%d/%y",
                    'X' | 'T' => "%H:%M:%S",
                    'F' => "%Y-%m-%d",
                    'R' => "%H:%M",
                    'r' => "%I:%M:%S %p",
                    _ => {
                        writer.push(whole)?;
                        continue;
                    }
                };
                write(writer, inner, at)?;
                continue;
            }
        };
        writer.push(&if flag == Some('^') { text.to_uppercase() } else { text })?;
    }
    writer.push(rest)
}
