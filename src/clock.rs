//! Times in a song, as people write them.

/// `0:05`, `1:10`, `1:02:03`; `1:10.5` with tenths. NaN and negative numbers are `0:00`.
pub(crate) fn position(seconds: f64) -> String {
    let tenths = (seconds.max(0.0) * 10.0).round() as u64;
    let (whole, rest) = (tenths / 10, tenths % 10);
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    let rest = if rest > 0 {
        format!(".{rest}")
    } else {
        String::new()
    };
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}{rest}")
    } else {
        format!("{minutes}:{seconds:02}{rest}")
    }
}

/// Parses a time as [`position`] writes it, or with more decimals: `1:10`, `1:02:03.25`.
pub(crate) fn seconds(text: &str) -> Option<f64> {
    let parts: Vec<f64> = text.split(':').map(number).collect::<Option<_>>()?;
    let (whole, last) = parts.split_at_checked(parts.len().checked_sub(1)?)?;
    let below_60 = parts.iter().skip(1).all(|part| *part < 60.0);
    let are_whole = whole.iter().all(|part| part.fract() == 0.0);
    ((2..=3).contains(&parts.len()) && below_60 && are_whole).then(|| {
        whole
            .iter()
            .chain(last)
            .fold(0.0, |sum, part| 60.0 * sum + part)
    })
}

/// A number of digits and at most one point.
pub(crate) fn number(text: &str) -> Option<f64> {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|_| plain)
}

/// The smallest step between at most `most` marks on an axis of `seconds`, in steps that people use: 1, 2, 5, 10, 15, 30
/// seconds, the same in minutes, and whole hours.
pub(crate) fn step(seconds: f64, most: usize) -> f64 {
    const STEPS: [f64; 15] = [
        1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0,
        7_200.0, 14_400.0,
    ];
    let least = seconds / most.max(1) as f64;
    STEPS
        .into_iter()
        .find(|step| *step >= least)
        .unwrap_or_else(|| (least / 3_600.0).ceil() * 3_600.0)
}

/// Microseconds since 1970 of a date (`2026-01-31`), or a date and a time (`18:00`, with seconds or fractions of them), UTC unless
/// it ends in an offset (`+02:00`).
pub(crate) fn micros_since_1970(text: &str) -> Option<i64> {
    let number = |text: &str| -> Option<i64> {
        let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| is_digits)
    };
    let numbers = |text: &str, by| -> Option<Vec<i64>> { text.split(by).map(number).collect() };
    let text = text.trim();
    let (date, clock) = text.split_once([' ', 'T']).unwrap_or((text, "00:00"));
    let [year @ 0..=9999, month @ 1..=12, day] = numbers(date, '-')?[..] else {
        return None;
    };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let (clock, offset) = match clock.find(['Z', '+', '-']) {
        Some(at) => clock.split_at(at),
        None => (clock, "Z"),
    };
    let east = match offset {
        "Z" => 0,
        _ => {
            let (hours, minutes) = offset[1..].split_once(':').unwrap_or((&offset[1..], "0"));
            let minutes = number(hours)? * 60 + number(minutes)?;
            if offset.starts_with('-') {
                -minutes
            } else {
                minutes
            }
        }
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    number(fraction)?;
    let micros = number(format!("{fraction:0<6}").get(..6)?)?;
    let (hour, minute, second) = match numbers(clock, ':')?[..] {
        [hour, minute] => (hour, minute, 0),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    if !(1..=days_in_month).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Days since 1970 in the proleptic Gregorian calendar, counting years from March.
    let (years, months) = match month {
        1 | 2 => (year - 1, month + 9),
        _ => (year, month - 3),
    };
    let leap_days = years.div_euclid(4) - years.div_euclid(100) + years.div_euclid(400);
    let days = 365 * years + leap_days + (153 * months + 2) / 5 + day - 719_469;
    let seconds = ((days * 24 + hour) * 60 + minute - east) * 60 + second;
    Some(seconds * 1_000_000 + micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read_as_players_show_them() {
        assert_eq!(position(70.0), "1:10");
        assert_eq!(position(3_723.04), "1:02:03");
        assert_eq!(position(9.96), "0:10");
        assert_eq!(position(7.25), "0:07.3");
        assert_eq!(seconds("1:02:03.5"), Some(3_723.5));
        assert_eq!(seconds("1:70"), None);
    }

    #[test]
    fn marks_are_at_times_that_people_use_and_never_too_many() {
        assert_eq!(step(230.0, 12), 30.0);
        assert_eq!(step(3.0, 12), 1.0);
        assert_eq!(step(21_600.0, 12), 1_800.0);
        assert_eq!(step(1e6, 12), 24.0 * 3_600.0);
    }
}
