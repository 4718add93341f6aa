//! The report's pictures, from its numbers.

use super::{Epoch, Training};
use crate::{
    emotion::{Emotion, Quadrant, SCALE_MAX, SCALE_MIN},
    evaluate::{Answer, JudgedSong, PerEmotion, Reliability, Scores, ThresholdSearch},
    figure::{
        Curves, Line, Matrix, PairedBar, PairedBars, ReliabilityDiagram, ReliabilityPoint, Scatter,
        emotion_color,
    },
};

/// A figure of every epoch: that of one training in colour, of several thin and grey with their mean in colour.
/// `None` where no epoch has it.
pub(super) fn curves(
    trainings: &[Training],
    y_name: &str,
    level: Option<(f64, String)>,
    value: impl Fn(&Epoch) -> Option<f64>,
) -> Option<Curves> {
    let point = |epoch: &Epoch| Some((epoch.epoch as f64 + 1.0, value(epoch)?));
    let mut lines = Vec::new();
    for training in trainings {
        let kept = training
            .epochs
            .iter()
            .find(|epoch| Some(epoch.epoch) == training.kept);
        let points: Vec<(f64, f64)> = training.epochs.iter().filter_map(point).collect();
        if !points.is_empty() {
            lines.push(Line {
                points,
                ring: kept.and_then(point),
            });
        }
    }
    let (main, others) = match lines.len() {
        0 => return None,
        1 => (lines, Vec::new()),
        _ => (vec![mean(&lines)], lines),
    };
    Some(Curves {
        x_name: "epoch".to_owned(),
        whole_steps: true,
        y_name: y_name.to_owned(),
        main,
        others,
        level,
    })
}

/// The mean at every step that all lines have reached.
fn mean(lines: &[Line]) -> Line {
    let steps = lines
        .iter()
        .map(|line| line.points.len())
        .min()
        .unwrap_or(0);
    let points = (0..steps).map(|step| {
        let at = |part: fn(&(f64, f64)) -> f64| {
            lines
                .iter()
                .map(|line| part(&line.points[step]))
                .sum::<f64>()
                / lines.len() as f64
        };
        (at(|point| point.0), at(|point| point.1))
    });
    Line {
        points: points.collect(),
        ring: None,
    }
}

/// One axis of the plane, predicted over true.
pub(super) fn scatter(songs: &[JudgedSong], axis: &str, of: impl Fn(&Answer) -> f64) -> Scatter {
    Scatter {
        x_name: format!("true {axis}"),
        y_name: format!("predicted {axis}"),
        range: (SCALE_MIN, SCALE_MAX),
        points: songs
            .iter()
            .map(|song| (of(&song.truth), of(&song.predicted)))
            .collect(),
    }
}

/// A number of each emotion beside what it is compared with.
pub(super) fn bars(
    names: [&str; 2],
    unit: &'static str,
    numbers: &PerEmotion,
    references: &PerEmotion,
) -> PairedBars {
    let [number_name, reference_name] = names.map(str::to_owned);
    PairedBars {
        number_name,
        reference_name,
        unit,
        bars: numbers
            .iter()
            .zip(references.0)
            .map(|((emotion, number), reference)| PairedBar {
                name: emotion.name(),
                color: emotion_color(emotion),
                number,
                reference,
            })
            .collect(),
    }
}

/// A song's percentages: predicted beside true.
pub(super) fn song_bars(song: &JudgedSong) -> PairedBars {
    let [truth, predicted] = [&song.truth, &song.predicted]
        .map(|answer| PerEmotion(answer.emotions.as_array().map(f64::from)));
    bars(["predicted", "true"], " %", &predicted, &truth)
}

/// Which quadrant is taken for which.
pub(super) fn matrix(scores: &Scores) -> Matrix {
    Matrix {
        classes: Quadrant::ALL.map(Quadrant::name).to_vec(),
        counts: scores.confusion.counts.map(Vec::from).to_vec(),
    }
}

/// All emotions together, and each by itself where its bins hold enough to have a mean.
pub(super) fn reliability(scores: &Scores, songs: &[JudgedSong]) -> ReliabilityDiagram {
    /// Fewer percentages than this are no mean to show beside others.
    const FEWEST: usize = 10;
    let classes = Emotion::ALL.into_iter().map(|emotion| {
        let of = |answer: &Answer| f64::from(answer.emotions.as_array()[emotion.index()]);
        let pairs = songs
            .iter()
            .map(|song| (of(&song.truth), of(&song.predicted)));
        let bins = Reliability::of(pairs).map_or_else(Vec::new, |of_class| of_class.bins);
        let points = bins
            .iter()
            .filter(|bin| bin.count >= FEWEST)
            .map(|bin| (bin.mean_predicted, bin.mean_true))
            .collect();
        (emotion_color(emotion), points)
    });
    ReliabilityDiagram {
        points: scores
            .reliability
            .bins
            .iter()
            .map(|bin| ReliabilityPoint {
                bin: (bin.from, bin.to),
                count: bin.count,
                predicted: bin.mean_predicted,
                truth: bin.mean_true,
            })
            .collect(),
        classes: classes.collect(),
    }
}

/// Micro F1 over the thresholds that were tried.
pub(super) fn thresholds(search: &ThresholdSearch) -> Curves {
    let points = search.tried.iter();
    Curves {
        x_name: "probability threshold".to_owned(),
        y_name: "micro F1".to_owned(),
        main: vec![Line {
            points: points
                .map(|tried| (tried.threshold, tried.micro_f1))
                .collect(),
            ring: Some((search.best.threshold, search.best.micro_f1)),
        }],
        ..Curves::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn folds_are_thin_lines_around_their_mean_and_one_training_is_itself() {
        let loss = |epoch: &Epoch| Some(epoch.loss);
        let folds = [
            training(&[4.0, 2.0, 1.0], None),
            training(&[2.0, 1.0], Some(1)),
        ];
        let drawn = curves(&folds, "loss", None, loss).unwrap();
        assert_eq!(drawn.others.len(), 2);
        assert_eq!(drawn.main[0].points, [(1.0, 3.0), (2.0, 1.5)]);
        assert_eq!(drawn.others[1].ring, Some((2.0, 1.0)));
        let drawn = curves(&folds[1..], "loss", None, loss).unwrap();
        assert_eq!((drawn.main.len(), drawn.others.len()), (1, 0));
        assert_eq!(curves(&[], "loss", None, loss), None);
        assert_eq!(
            curves(&folds, "MAE", None, |epoch| epoch.validation_mae),
            None
        );
    }
}
