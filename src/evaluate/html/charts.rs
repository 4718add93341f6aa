//! The report's charts, from its numbers.

use super::{Epoch, Training, sections::html_table};
use crate::{
    emotion::{Quadrant, SCALE_MAX, SCALE_MIN},
    evaluate::{Answer, JudgedSong, PerEmotion, ReliabilityBin, Scores},
    figure::{ACCENT, Chart, Guide, MUTED, Point, emotion_color, number},
    text,
};

/// Fewer percentages than this are no mean to show beside others.
const FEWEST: usize = 10;

type Points = Vec<Point>;

/// A number of every epoch: that of one training in color; of several, thin and gray with their mean in color. The epoch
/// that was kept has a dot; a dashed line is at the level of the baseline. `None` if no epoch has the number.
pub(super) fn curves(
    trainings: &[Training],
    y_name: &str,
    baseline: Option<f64>,
    value: impl Fn(&Epoch) -> Option<f64>,
) -> Option<Chart> {
    let point = |epoch: &Epoch| {
        let value = value(epoch).filter(|value| value.is_finite())?;
        Some((epoch.epoch as f64 + 1.0, value))
    };
    let mut curves: Vec<(Points, Option<Point>)> = Vec::new();
    for training in trainings {
        let points: Points = training.epochs.iter().filter_map(point).collect();
        let mut epochs = training.epochs.iter();
        let kept = epochs.find(|epoch| Some(epoch.epoch) == training.kept);
        if !points.is_empty() {
            curves.push((points, kept.and_then(point)));
        }
    }
    let (width, color) = match curves.len() {
        0 => return None,
        1 => (5.0, ACCENT),
        _ => (2.0, MUTED.alpha(0.55)),
    };
    let mut chart = Chart {
        height: 720,
        x_name: "epoch".to_owned(),
        whole_steps: true,
        y_name: y_name.to_owned(),
        guide: baseline.map(|level| Guide {
            from: (f64::NEG_INFINITY, level),
            to: (f64::INFINITY, level),
            name: "mean-vector baseline".to_owned(),
        }),
        ..Chart::default()
    };
    let mean = mean(&curves);
    for (points, kept) in curves {
        chart.line(points, width, color);
        if let Some(at) = kept {
            chart.dot(at, width + 7.0, color);
        }
    }
    if chart.lines.len() > 1 {
        chart.line(mean, 5.0, ACCENT);
    }
    Some(chart)
}

/// The mean at every epoch that all trainings reached.
fn mean(curves: &[(Points, Option<Point>)]) -> Points {
    let steps = curves.iter().map(|(points, _)| points.len()).min();
    let mean = |step: usize, of: fn(Point) -> f64| {
        let values = curves.iter().map(|(points, _)| of(points[step]));
        values.sum::<f64>() / curves.len() as f64
    };
    (0..steps.unwrap_or(0))
        .map(|step| (mean(step, |point| point.0), mean(step, |point| point.1)))
        .collect()
}

/// One axis of the plane, predicted over true, a dot for each song.
pub(super) fn scatter(songs: &[JudgedSong], axis: &str, of: impl Fn(&Answer) -> f64) -> Chart {
    // Many dots are fainter, so that dense regions show.
    let color = ACCENT.alpha(match songs.len() {
        0..=150 => 0.75,
        151..=800 => 0.5,
        _ => 0.3,
    });
    let mut chart = Chart {
        height: 1044,
        x_name: format!("true {axis}"),
        y_name: format!("predicted {axis}"),
        range: Some((SCALE_MIN, SCALE_MAX)),
        guide: diagonal("predicted = true"),
        ..Chart::default()
    };
    for song in songs {
        chart.dot((of(&song.truth), of(&song.predicted)), 8.0, color);
    }
    chart
}

/// The line where prediction and truth are equal.
fn diagonal(name: &str) -> Option<Guide> {
    Some(Guide {
        from: (f64::NEG_INFINITY, f64::NEG_INFINITY),
        to: (f64::INFINITY, f64::INFINITY),
        name: name.to_owned(),
    })
}

/// A number of each emotion as a bar in its color and the reference as a gray one below, as HTML.
pub(super) fn bars(
    legend: [&str; 2],
    unit: &str,
    [numbers, references]: [&PerEmotion; 2],
) -> String {
    let all = numbers.0.iter().chain(&references.0);
    // A number that does not exist is skipped.
    let largest = all.fold(1e-9_f64, |largest, number| largest.max(*number));
    let bar = |value: f64, style: &str| match value.is_finite() {
        true => format!(
            "<div class=\"bar\"><i style=\"width:{:.1}%{style}\"></i>{}{unit}</div>",
            82.0 * value / largest,
            number(value, 1)
        ),
        false => String::new(),
    };
    let mut rows = Vec::new();
    for ((emotion, value), reference) in numbers.iter().zip(references.0) {
        let [red, green, blue] = emotion_color(emotion).rgb;
        let color = format!(";background:#{red:02x}{green:02x}{blue:02x}");
        let cell = bar(value, &color) + &bar(reference, "");
        rows.push(vec![emotion.to_string(), cell]);
    }
    let [own, other] = legend;
    let caption = format!("<i class=\"colors\"></i>{own} <i></i>{other}");
    html_table(&caption, &[], &rows)
}

/// The confusion matrix of the quadrants as an HTML table.
pub(super) fn quadrants(scores: &Scores) -> String {
    let names = Quadrant::ALL.map(|quadrant| quadrant.to_string());
    let counts = scores.confusion.counts.iter().map(|row| &row[..]);
    confusion(&names, counts, ["song", "songs"])
}

/// A confusion matrix as an HTML table: in each cell how many and which share of the row, the darker the larger the share.
pub(super) fn confusion<'a>(
    names: &[String],
    counts: impl Iterator<Item = &'a [usize]>,
    [one, many]: [&str; 2],
) -> String {
    let mut rows = Vec::new();
    for (name, counts) in names.iter().zip(counts) {
        let all: usize = counts.iter().sum();
        let counted = text::count(all as u64, one, many);
        let mut row = vec![format!("<b>true {name}</b><br/>{counted}")];
        for count in counts {
            let share = *count as f64 / all.max(1) as f64;
            let percent = match all {
                0 => "–".to_owned(),
                _ => format!("{:.0} %", 100.0 * share),
            };
            row.push(format!(
                "<div class=\"cell\" style=\"--share:{share:.2}\"><b>{count}</b>{percent}</div>"
            ));
        }
        rows.push(row);
    }
    let mut heads = vec![String::new()];
    heads.extend(names.iter().map(|name| format!("predicted<br/>{name}")));
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    html_table("", &heads, &rows)
}

/// Mean true over mean predicted percentage, bin by bin: all emotions together, a dot for each bin, the larger the more
/// percentages it holds. Bins of few percentages are faint dots off the lines.
pub(super) fn reliability(scores: &Scores) -> Chart {
    let bins = &scores.reliability.bins;
    let ends = bins.iter().flat_map(|bin| [bin.to, bin.mean_true]);
    let highest = (ends.fold(10.0, f64::max) / 10.0).ceil() * 10.0;
    let mut chart = Chart {
        height: 1044,
        x_name: "mean predicted percentage".to_owned(),
        y_name: "mean true percentage".to_owned(),
        range: Some((0.0, highest)),
        guide: diagonal(""),
        ..Chart::default()
    };
    let point = |bin: &ReliabilityBin| (bin.mean_predicted, bin.mean_true);
    for full in bins.split(|bin| bin.count < FEWEST) {
        chart.line(full.iter().map(point).collect(), 6.0, ACCENT);
    }
    chart.lines.retain(|line| line.points.len() > 1);
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(1) as f64;
    for bin in bins {
        let radius = 7.0 + 11.0 * (bin.count as f64 / most).sqrt();
        let faint = bin.count < FEWEST;
        let color = if faint { ACCENT.alpha(0.4) } else { ACCENT };
        chart.dot(point(bin), radius, color);
    }
    chart
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::RunScores;

    fn training(losses: &[f64], kept: Option<usize>) -> Training {
        Training {
            epochs: losses
                .iter()
                .enumerate()
                .map(|(epoch, loss)| Epoch {
                    epoch,
                    loss: *loss,
                    ..Epoch::default()
                })
                .collect(),
            kept,
            ..Training::default()
        }
    }

    #[test]
    fn folds_are_thin_lines_with_their_mean_and_one_training_is_itself() {
        let loss = |epoch: &Epoch| Some(epoch.loss);
        let folds = [
            training(&[4.0, 2.0, 1.0], None),
            training(&[2.0, 1.0], Some(1)),
        ];
        let chart = curves(&folds, "loss", None, loss).unwrap();
        let widths: Vec<f64> = chart.lines.iter().map(|line| line.width).collect();
        assert_eq!(widths, [2.0, 2.0, 5.0]);
        assert_eq!(chart.lines[2].points, [(1.0, 3.0), (2.0, 1.5)]);
        assert_eq!(chart.dots.len(), 1);
        assert_eq!(chart.dots[0].at, (2.0, 1.0));
        let chart = curves(&folds[1..], "loss", None, loss).unwrap();
        assert_eq!((chart.lines.len(), chart.lines[0].width), (1, 5.0));
        assert_eq!(curves(&[], "loss", None, loss), None);
        let mae = curves(&folds, "MAE", None, |epoch| epoch.validation_mae);
        assert_eq!(mae, None);
    }

    #[test]
    fn bins_of_few_percentages_are_faint_and_larger_dots_hold_more() {
        let bin = |from: f64, count, mean_true| ReliabilityBin {
            from,
            to: from + 5.0,
            count,
            mean_predicted: from + 2.5,
            mean_true,
        };
        let songs = [JudgedSong::default()];
        let mut scores = RunScores::of(&songs, "a song").unwrap().scores;
        scores.reliability.bins =
            vec![bin(10.0, 50, 9.0), bin(20.0, 100, 10.0), bin(70.0, 3, 60.0)];
        let chart = reliability(&scores);
        assert_eq!(chart.range, Some((0.0, 80.0)));
        assert_eq!(chart.lines[0].points, [(12.5, 9.0), (22.5, 10.0)]);
        let [half, full, faint] = chart.dots[..] else {
            panic!("expected three dots");
        };
        assert_eq!((full.at, full.color), ((22.5, 10.0), ACCENT));
        assert!(faint.color.alpha < 0.5 && faint.at == (72.5, 60.0));
        assert!(full.radius > half.radius && half.radius > faint.radius);
    }

    #[test]
    fn a_longer_bar_is_a_larger_number_and_a_missing_one_is_left_out() {
        let mut numbers = PerEmotion([0.0; 8]);
        numbers.0[..2].copy_from_slice(&[10.0, 2.0]);
        let mut references = PerEmotion([f64::NAN; 8]);
        references.0[0] = 5.0;
        let html = bars(["model", "baseline"], " %", [&numbers, &references]);
        for part in [
            "width:82.0%;background:#f5b800\"></i>10.0 %",
            "width:41.0%\"></i>5.0 %",
            "width:16.4%;background:#f07818\"></i>2.0 %",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert_eq!(html.matches("class=\"bar\"").count(), 9);
    }

    #[test]
    fn a_cell_of_the_matrix_has_its_count_and_its_share_of_the_row() {
        let songs = [JudgedSong::default()];
        let mut scores = RunScores::of(&songs, "a song").unwrap().scores;
        scores.confusion.counts = [[3, 1, 0, 0], [0; 4], [0; 4], [0, 0, 0, 7]];
        let html = quadrants(&scores);
        for cell in [
            "--share:0.75\"><b>3</b>75 %",
            "--share:0.25\"><b>1</b>25 %",
            "--share:1.00\"><b>7</b>100 %",
        ] {
            assert!(html.contains(cell), "{cell}: {html}");
        }
        assert_eq!(html.matches("<b>0</b>–").count(), 8);
    }
}
