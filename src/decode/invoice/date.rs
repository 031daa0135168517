//! Seconds since 1970 as people write them. It never asks for the time that it is now.

use std::fmt;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// From 1 March 0000 to 1 January 1970.
const DAYS_BEFORE_1970: u64 = 719_468;
/// In 400 years the calendar repeats itself.
const DAYS_PER_ERA: u64 = 146_097;
/// The first second of the year 10000.
const YEAR_10000: u64 = 253_402_300_800;

/// A second in UTC.
pub(super) struct Date(pub(super) u64);

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 >= YEAR_10000 {
            return f.write_str("after the year 9999");
        }
        let (days, time) = (self.0 / DAY, self.0 % DAY);
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (time / HOUR, time % HOUR / MINUTE, time % MINUTE);
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
    }
}

/// Year, month and day of a day since 1970. Years are counted from March, so that the day that is
/// sometimes there is the last one.
fn civil(days_since_1970: u64) -> (u64, u64, u64) {
    let days = days_since_1970 + DAYS_BEFORE_1970;
    let (era, of_era) = (days / DAYS_PER_ERA, days % DAYS_PER_ERA);
    let leap_days = of_era / 1460 - of_era / 36_524 + of_era / 146_096;
    let year_of_era = (of_era - leap_days) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = 400 * era + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

/// So many seconds, and in a greater unit if that comes out even.
pub(super) struct Duration(pub(super) u64);

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(seconds) = *self;
        write!(f, "{seconds} second{}", plural(seconds))?;
        let units = [(DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")];
        let unit = units.into_iter().find(|(unit, _)| seconds >= *unit && seconds % unit == 0);
        unit.map_or(Ok(()), |(unit, name)| {
            let count = seconds / unit;
            write!(f, " ({count} {name}{})", plural(count))
        })
    }
}

pub(super) fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        let dates = [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_496_314_658, "2017-06-01 10:57:38 UTC"),
            (1_735_689_599, "2024-12-31 23:59:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
            (YEAR_10000 - 1, "9999-12-31 23:59:59 UTC"),
            (YEAR_10000, "after the year 9999"),
            (u64::MAX, "after the year 9999"),
        ];
        for (seconds, expected) in dates {
            assert_eq!(Date(seconds).to_string(), expected);
        }
    }

    #[test]
    fn durations() {
        let text = |seconds| Duration(seconds).to_string();
        assert_eq!([0, 1, 61].map(text), ["0 seconds", "1 second", "61 seconds"]);
        assert_eq!([60, 7200].map(text), ["60 seconds (1 minute)", "7200 seconds (2 hours)"]);
        assert_eq!(text(604_800), "604800 seconds (7 days)");
    }
}
