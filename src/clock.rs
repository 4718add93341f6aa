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
