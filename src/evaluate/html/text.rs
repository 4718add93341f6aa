//! Numbers and tables as the page shows them.

use crate::evaluate::FoldScores;

/// `1 song`, `2 songs`.
pub(super) fn songs(count: usize) -> String {
    format!("{count} song{}", if count == 1 { "" } else { "s" })
}

/// A table whose first column names the rows.
pub(super) fn table(caption: &str, heads: &[&str], rows: &[(String, Vec<String>)]) -> String {
    let mut text = String::from("<div class=\"scroll\"><table>\n");
    if !caption.is_empty() {
        text.push_str(&format!("<caption>{caption}</caption>\n"));
    }
    text.push_str("<thead><tr><th></th>");
    for head in heads {
        text.push_str(&format!("<th>{head}</th>"));
    }
    text.push_str("</tr></thead>\n<tbody>\n");
    for (name, cells) in rows {
        text.push_str(&format!("<tr><th>{name}</th>"));
        for cell in cells {
            text.push_str(&format!("<td>{cell}</td>"));
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody></table></div>\n");
    text
}

/// A number in large, with what it is above and more about it below; all are markup.
pub(super) fn tile(what: &str, number: &str, about: &str) -> String {
    format!(
        "<div class=\"tile\"><span class=\"what\">{what}</span><b>{number}</b>\
         <span class=\"small muted\">{about}</span></div>\n"
    )
}

/// A number with that many decimals, `n/a` where there is none.
pub(super) fn decimals(value: Option<f64>, decimals: usize) -> String {
    let Some(value) = value else {
        return "n/a".to_owned();
    };
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        // Zero has no sign, and a minus is wider than a hyphen.
        Some(digits) if digits.contains(|digit| ('1'..='9').contains(&digit)) => {
            format!("−{digits}")
        }
        Some(zero) => zero.to_owned(),
        None => text,
    }
}

/// `0.41 ± 0.05 over 5 folds`; empty where there are no folds.
pub(super) fn spread(folds: Option<&FoldScores>, key: &str, digits: usize) -> String {
    match folds.and_then(|folds| folds.spread(key)) {
        Some(spread) => format!(
            "{} ± {} over {} folds",
            decimals(Some(spread.mean), digits),
            decimals(spread.deviation, digits),
            spread.folds
        ),
        None => String::new(),
    }
}

/// A number with commas between its thousands.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_in_print() {
        assert_eq!(decimals(Some(-1.093), 2), "−1.09");
        assert_eq!(decimals(Some(-0.001), 2), "0.00");
        assert_eq!(decimals(Some(0.5), 3), "0.500");
        assert_eq!(decimals(None, 3), "n/a");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }
}
