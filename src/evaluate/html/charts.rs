//! The sections that are pictures, with their captions.

use super::{
    RunReport,
    page::Section,
    pictures,
    text::{decimals, songs, table},
    worst,
};
use crate::{
    evaluate::{MultiLabel, metrics::Agreement},
    figure::{DrawError, Figure, inline_svg},
};

/// A picture with what is said below it; the caption is markup.
fn figure(figure: &impl Figure, label: &str, caption: &str) -> Result<String, DrawError> {
    Ok(format!(
        "<figure>\n{}<figcaption>{caption}</figcaption>\n</figure>\n",
        inline_svg(figure, label)?
    ))
}

/// Loss and validation error over epochs; none where nothing is known of the training.
pub(super) fn training(report: &RunReport<'_>) -> Result<Option<Section>, DrawError> {
    let trainings = report.trainings;
    let several = trainings.len() > 1;
    let who = match several {
        true => format!(
            "Thin: each of {} trainings; thick: their mean.",
            trainings.len()
        ),
        false => String::new(),
    };
    let baselines: Vec<f64> = trainings
        .iter()
        .filter_map(|training| training.validation_baseline)
        .collect();
    let baseline = baselines.iter().sum::<f64>() / baselines.len() as f64;
    let level = baseline
        .is_finite()
        .then(|| (baseline, "mean-vector baseline".to_owned()));
    let kept = match trainings {
        [only] => match only.kept {
            Some(kept) => format!(
                "The large dot is epoch {}, whose weights were kept.",
                kept + 1
            ),
            None => "The weights of the last epoch were kept.".to_owned(),
        },
        _ => String::new(),
    };
    let mut body = String::new();
    if let Some(curves) = pictures::curves(trainings, "loss", None, |epoch| {
        Some(epoch.loss).filter(|l| l.is_finite())
    }) {
        let caption = format!("Mean training loss of each epoch. {who} {kept}");
        body.push_str(&figure(&curves, "training loss over epochs", &caption)?);
    }
    if let Some(curves) = pictures::curves(trainings, "validation MAE (points)", level, |epoch| {
        epoch.validation_mae.filter(|mae| mae.is_finite())
    }) {
        let caption = format!(
            "Mean absolute error of the eight percentages on the validation songs. {who} {kept}"
        );
        body.push_str(&figure(&curves, "validation error over epochs", &caption)?);
    } else if let Some(curves) =
        pictures::curves(trainings, "learning rate (thousandths)", None, |epoch| {
            Some(1000.0 * epoch.learning_rate).filter(|rate| rate.is_finite())
        })
    {
        let caption = "Learning rate at the end of each epoch; no songs validated.";
        body.push_str(&figure(&curves, "learning rate over epochs", caption)?);
    }
    Ok((!body.is_empty()).then(|| Section {
        id: "training",
        title: "Training",
        body: format!("<div class=\"pair\">\n{body}</div>\n"),
    }))
}

/// Predicted against true valence and arousal.
pub(super) fn affect(report: &RunReport<'_>) -> Result<Section, DrawError> {
    let scores = &report.scores.scores;
    let caption = |of: &Agreement| {
        let [r2, pearson, ccc, rmse] =
            [of.r2, of.pearson, of.ccc, of.rmse].map(|value| decimals(value, 3));
        format!(
            "<b>R² {r2}</b>, Pearson {pearson}, CCC {ccc}, RMSE {rmse}. On the dashed line a prediction is right."
        )
    };
    let valence = pictures::scatter(report.songs, "valence", |answer| answer.valence);
    let arousal = pictures::scatter(report.songs, "arousal", |answer| answer.arousal);
    Ok(Section {
        id: "affect",
        title: "Valence and arousal",
        body: format!(
            "<div class=\"pair\">\n{}{}</div>\n",
            figure(
                &valence,
                "predicted over true valence, a point for each song",
                &caption(&scores.valence)
            )?,
            figure(
                &arousal,
                "predicted over true arousal, a point for each song",
                &caption(&scores.arousal)
            )?
        ),
    })
}

/// Means, errors and reliability of the eight percentages.
pub(super) fn emotions(report: &RunReport<'_>) -> Result<Section, DrawError> {
    let scores = &report.scores.scores;
    let means = pictures::bars(
        ["predicted", "true"],
        " %",
        &scores.mean_predicted,
        &scores.mean_true,
    );
    let errors = pictures::bars(
        ["model", "mean-vector baseline"],
        "",
        &scores.per_emotion,
        &scores.per_emotion_baseline,
    );
    let reliability = pictures::reliability(scores, report.songs);
    let ratio = match scores.mae_ratio {
        Some(ratio) => format!(", {ratio:.3} of it"),
        None => String::new(),
    };
    Ok(Section {
        id: "emotions",
        title: "The eight percentages",
        body: format!(
            "<div class=\"pair\">\n{}{}</div>\n<div class=\"pair\">\n{}<div>\n<h3>How to read the reliability</h3>\n\
             <p>All eight percentages of all songs, sorted into bins of five points by what was predicted. Where the \
             thick line runs above the dashed one the model says too little, below it too much; what it predicts as \
             20 % should on average be 20 %.</p>\n<p>The thin lines in the emotions' colours are each emotion by \
             itself, where a bin holds at least ten songs. The strip at the bottom tells how many percentages each bin \
             holds.</p>\n<p>Calibration error: <b>{:.2}</b> points, the mean distance of the thick line from the dashed \
             one, each bin weighted with its count.</p>\n</div>\n</div>\n",
            figure(
                &means,
                "mean predicted and true percentage of each emotion",
                "Mean percentage of each emotion over all judged songs."
            )?,
            figure(
                &errors,
                "mean absolute error of each emotion and its baseline",
                &format!(
                    "Mean absolute error of each emotion in percentage points; over all eight <b>{:.2}</b>, \
                     baseline {:.2}{ratio}.",
                    scores.mae, scores.mae_baseline
                )
            )?,
            figure(
                &reliability,
                "mean true percentage over predicted percentage",
                "Reliability of the eight percentages."
            )?,
            scores.reliability.calibration_error,
        ),
    })
}

/// The classification report, of multi-label models only.
pub(super) fn labels(report: &RunReport<'_>) -> Result<Option<Section>, DrawError> {
    let Some(MultiLabel {
        present_above,
        threshold,
        search,
        report: labels,
    }) = &report.scores.multi_label
    else {
        return Ok(None);
    };
    let rows: Vec<(String, Vec<String>)> = labels
        .rows()
        .into_iter()
        .map(|(name, row)| {
            let mut cells = [row.precision, row.recall, row.f1]
                .map(|share| format!("{share:.2}"))
                .to_vec();
            cells.push(row.support.to_string());
            (name.to_owned(), cells)
        })
        .collect();
    let mut body = format!(
        "<div class=\"pair\">\n<div>\n{}<p class=\"small muted\">An emotion is true of a song where its percentage is \
         above {present_above}, and given to it where its probability is above {threshold:.2}. Nothing divided by \
         nothing counts as 0, as in scikit-learn with <code>zero_division=0</code>.</p>\n</div>\n",
        table(
            "Classification report",
            &["precision", "recall", "F1", "support"],
            &rows
        )
    );
    if let Some(search) = search {
        let caption = format!(
            "Micro F1 on the songs that the threshold was searched on; the best, {:.2} (micro F1 {:.3}), is marked.",
            search.best.threshold, search.best.micro_f1
        );
        body.push_str(&figure(
            &pictures::thresholds(search),
            "micro F1 over probability thresholds",
            &caption,
        )?);
    }
    body.push_str("</div>\n");
    Ok(Some(Section {
        id: "labels",
        title: "Labels",
        body,
    }))
}

/// The confusion matrix.
pub(super) fn quadrants(report: &RunReport<'_>) -> Result<Section, DrawError> {
    let quadrants = report.scores.scores.quadrants;
    Ok(Section {
        id: "quadrants",
        title: "Quadrants",
        body: format!(
            "<div class=\"pair\">\n{}<div>\n<dl><dt>Q1</dt><dd>pleasant and roused: happy, excited</dd>\
             <dt>Q2</dt><dd>unpleasant and roused: tense, frustrated</dd>\
             <dt>Q3</dt><dd>unpleasant and calm: depressed, tired</dd>\
             <dt>Q4</dt><dd>pleasant and calm: calm, content</dd></dl>\n\
             <p class=\"small muted\">The signs of valence − 5 and arousal − 5. Shares are of each row: of the songs \
             that truly are of a quadrant.</p>\n</div>\n</div>\n",
            figure(
                &pictures::matrix(&report.scores.scores),
                "confusion matrix of the quadrants",
                &format!(
                    "Accuracy <b>{:.3}</b>, macro F1 <b>{:.3}</b>.",
                    quadrants.accuracy, quadrants.macro_f1
                )
            )?
        ),
    })
}

/// The songs that the model is most wrong about.
pub(super) fn worst_songs(report: &RunReport<'_>) -> Result<Section, DrawError> {
    let shown = worst::worst(report.songs).len();
    Ok(Section {
        id: "worst",
        title: "The worst songs",
        body: format!(
            "<p>The {shown} of {} with the largest mean absolute error of the eight percentages, with the spectrogram \
             that the model heard (brightest: loudest; black: 80 dB below it).</p>\n{}",
            songs(report.songs.len()),
            worst::articles(report)?
        ),
    })
}
