//! The page: its sections, tables and captions.

use super::{DataFacts, ModelFacts, ReportError, RunReport, pictures, worst};
use crate::{
    emotion::Emotion,
    evaluate::{FoldScores, MultiLabel, Number, RunScores, metrics::Agreement},
    plot::{DrawError, Figure, escape, inline_svg},
};

const STYLE: &str = include_str!("style.css");

/// A part of the page that the links at its top lead to.
struct Section {
    id: &'static str,
    title: &'static str,
    body: String,
}

/// The whole page.
pub(super) fn page(report: &RunReport<'_>) -> Result<String, ReportError> {
    let sections: Vec<Section> = [
        Some(scores(report)),
        training(report)?,
        Some(affect(report)?),
        Some(emotions(report)?),
        labels(report)?,
        Some(quadrants(report)?),
        Some(worst_songs(report)?),
        folds(report),
        Some(about(report)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let title = escape(report.title);
    let mut links = String::new();
    let mut body = String::new();
    for Section {
        id,
        title,
        body: own,
    } in &sections
    {
        links.push_str(&format!("<a href=\"#{id}\">{title}</a>\n"));
        body.push_str(&format!(
            "<section id=\"{id}\">\n<h2>{title}</h2>\n{own}</section>\n"
        ));
    }
    Ok(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <header>\n<h1>{title}</h1>\n<p class=\"muted\">{} of {}, measured on {}</p>\n\
         <nav>\n{links}</nav>\n</header>\n{body}\
         <footer>Written by circumplex {}. Percentages are of the eight emotions, which sum to 100 for every song; \
         valence and arousal are on a scale from 1 to 9.</footer>\n</main>\n</body>\n</html>\n",
        songs(report.songs.len()),
        escape(&report.data.name),
        escape(&report.scores.measured_on),
        env!("CARGO_PKG_VERSION"),
    ))
}

fn songs(count: usize) -> String {
    format!("{count} song{}", if count == 1 { "" } else { "s" })
}

fn figure(figure: &impl Figure, label: &str, caption: &str) -> Result<String, DrawError> {
    Ok(format!(
        "<figure>\n{}<figcaption>{caption}</figcaption>\n</figure>\n",
        inline_svg(figure, label)?
    ))
}

/// A table whose first column names the rows.
fn table(caption: &str, heads: &[&str], rows: &[(String, Vec<String>)]) -> String {
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

fn tile(what: &str, number: &str, about: &str) -> String {
    format!(
        "<div class=\"tile\"><span class=\"what\">{what}</span><b>{number}</b>\
         <span class=\"small muted\">{about}</span></div>\n"
    )
}

fn decimals(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.decimals$}"))
}

/// `0.41 ± 0.05 over 5 folds`; empty where there are no folds.
fn spread(folds: Option<&FoldScores>, key: &str, digits: usize) -> String {
    match folds.and_then(|folds| folds.spread(key)) {
        Some(spread) => format!(
            "{:.digits$} ± {} over {} folds",
            spread.mean,
            decimals(spread.deviation, digits),
            spread.folds
        ),
        None => String::new(),
    }
}

fn scores(report: &RunReport<'_>) -> Section {
    let RunScores {
        scores,
        cross_validation,
        multi_label,
        ..
    } = report.scores;
    let folds = cross_validation.as_ref();
    let joined = |parts: [String; 2]| {
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("<br/>")
    };
    let mut body = String::from("<div class=\"tiles\">\n");
    let baseline = match scores.mae_ratio {
        Some(ratio) => format!(
            "{ratio:.2} of the mean-vector baseline {:.2}",
            scores.mae_baseline
        ),
        None => format!("mean-vector baseline {:.2}", scores.mae_baseline),
    };
    body.push_str(&tile(
        "MAE of the eight",
        &format!("{:.2}", scores.mae),
        &joined([baseline, spread(folds, "mae", 2)]),
    ));
    for (axis, of) in [("valence", scores.valence), ("arousal", scores.arousal)] {
        let rmse = format!("RMSE {} on 1 to 9", decimals(of.rmse, 2));
        let key = format!("{axis}.r2");
        body.push_str(&tile(
            &format!("R² of {axis}"),
            &decimals(of.r2, 2),
            &joined([rmse, spread(folds, &key, 2)]),
        ));
    }
    body.push_str(&tile(
        "Quadrants, macro F1",
        &format!("{:.2}", scores.quadrants.macro_f1),
        &joined([
            format!("accuracy {:.2}", scores.quadrants.accuracy),
            spread(folds, "quadrants.macro_f1", 2),
        ]),
    ));
    if let Some(labels) = multi_label {
        body.push_str(&tile(
            "Labels, micro F1",
            &format!("{:.2}", labels.report.micro.f1),
            &format!("probability above {:.2}", labels.threshold),
        ));
    }
    body.push_str("</div>\n<div class=\"pair\">\n");
    body.push_str(&emotion_table(report.scores));
    body.push_str("<div>\n");
    let rows = [("valence", scores.valence), ("arousal", scores.arousal)].map(|(axis, of)| {
        let cells = [of.r2, of.rmse, of.pearson, of.ccc].map(|value| decimals(value, 3));
        (axis.to_owned(), cells.to_vec())
    });
    body.push_str(&table(
        "Valence and arousal",
        &["R²", "RMSE", "Pearson", "CCC"],
        &rows,
    ));
    body.push_str(
        "<p class=\"small muted\">MAE is the mean absolute error in percentage points; its baseline, the mean vector, answers the mean of these songs' labels for every song. \
         R² is 1 for a perfect model and 0 for one that always answers the mean; CCC is the concordance correlation \
         coefficient (Lin 1989).</p>\n</div>\n</div>\n",
    );
    Section {
        id: "scores",
        title: "Scores",
        body,
    }
}

fn emotion_table(scores: &RunScores) -> String {
    let scores = &scores.scores;
    let row = |name: String, mae: f64, baseline: f64, means: [f64; 2]| {
        let ratio = Some(mae / baseline).filter(|ratio| ratio.is_finite());
        let [truth, predicted] = means.map(|mean| format!("{mean:.1}"));
        let cells = vec![
            format!("{mae:.2}"),
            format!("{baseline:.2}"),
            decimals(ratio, 2),
            truth,
            predicted,
        ];
        (name, cells)
    };
    let mut rows: Vec<(String, Vec<String>)> = scores
        .per_emotion
        .iter()
        .enumerate()
        .map(|(i, (emotion, mae))| {
            row(
                emotion.to_string(),
                mae,
                scores.per_emotion_baseline.0[i],
                [scores.mean_true.0[i], scores.mean_predicted.0[i]],
            )
        })
        .collect();
    let even = 100.0 / Emotion::COUNT as f64;
    rows.push(row(
        "<b>all eight</b>".to_owned(),
        scores.mae,
        scores.mae_baseline,
        [even, even],
    ));
    table(
        "The eight percentages",
        &["MAE", "baseline", "ratio", "mean true", "predicted"],
        &rows,
    )
}

fn training(report: &RunReport<'_>) -> Result<Option<Section>, DrawError> {
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
    }
    Ok((!body.is_empty()).then(|| Section {
        id: "training",
        title: "Training",
        body: format!("<div class=\"pair\">\n{body}</div>\n"),
    }))
}

fn affect(report: &RunReport<'_>) -> Result<Section, DrawError> {
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

fn emotions(report: &RunReport<'_>) -> Result<Section, DrawError> {
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

fn labels(report: &RunReport<'_>) -> Result<Option<Section>, DrawError> {
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

fn quadrants(report: &RunReport<'_>) -> Result<Section, DrawError> {
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

fn worst_songs(report: &RunReport<'_>) -> Result<Section, DrawError> {
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

fn folds(report: &RunReport<'_>) -> Option<Section> {
    let folds = report.scores.cross_validation.as_ref()?;
    let names: Vec<String> = (1..=folds.folds.len())
        .map(|n| format!("fold {n}"))
        .collect();
    let mut heads = vec!["all songs", "mean", "deviation"];
    heads.extend(names.iter().map(String::as_str));
    let counts = folds.folds.iter().map(|fold| fold.songs.to_string());
    let mut first = vec![
        report.scores.scores.songs.to_string(),
        String::new(),
        String::new(),
    ];
    first.extend(counts);
    let mut rows = vec![("songs".to_owned(), first)];
    for number in report.scores.scores.numbers() {
        let Number {
            key,
            decimals: digits,
            ..
        } = &number;
        let spread = folds.spread(key);
        let mut cells = vec![
            number.text(),
            decimals(spread.map(|spread| spread.mean), *digits),
            decimals(spread.and_then(|spread| spread.deviation), *digits),
        ];
        for fold in &folds.folds {
            let mut values = fold.numbers.0.iter();
            let value = values
                .find(|(name, _)| name == key)
                .and_then(|(_, value)| *value);
            cells.push(decimals(value, *digits));
        }
        rows.push((number.name.clone(), cells));
    }
    Some(Section {
        id: "folds",
        title: "Fold by fold",
        body: format!(
            "<p>Every song was judged by a model that had not heard it. The deviation is the sample standard deviation \
             over the folds.</p>\n{}",
            table("", &heads, &rows)
        ),
    })
}

fn about(report: &RunReport<'_>) -> Section {
    let RunReport {
        model:
            ModelFacts {
                name,
                identity,
                parameters,
                file_bytes,
                trained_on,
            },
        data: DataFacts {
            name: data,
            split,
            labels,
        },
        preprocessing,
        ..
    } = report;
    let mel = &preprocessing.mel;
    let seconds = preprocessing.window.length as f64 / f64::from(mel.sample_rate);
    let facts = [
        ("model", Some(escape(name))),
        ("SHA-256", identity.as_deref().map(escape)),
        ("parameters", parameters.map(|count| grouped(count as u64))),
        (
            "file",
            file_bytes.map(|bytes| format!("{} bytes", grouped(bytes))),
        ),
        ("trained on", trained_on.as_deref().map(escape)),
        (
            "hears",
            Some(format!(
                "windows of {seconds:.1} s at {} Hz, {} bands x {} frames",
                mel.sample_rate,
                mel.n_mels,
                preprocessing.frames()
            )),
        ),
        ("judged on", Some(escape(&report.scores.measured_on))),
        (
            "data",
            Some(format!("{}, {}", escape(data), songs(report.songs.len()))),
        ),
        ("kept apart", split.as_deref().map(escape)),
        ("labels", labels.as_deref().map(escape)),
    ];
    let mut body = String::from("<dl>\n");
    for (name, fact) in facts {
        if let Some(fact) = fact {
            body.push_str(&format!("<dt>{name}</dt><dd>{fact}</dd>\n"));
        }
    }
    body.push_str("</dl>\n");
    if let Some(recipe) = report.recipe {
        body.push_str(&format!(
            "<details><summary>The recipe</summary>\n<pre>{}</pre>\n</details>\n",
            escape(recipe)
        ));
    }
    Section {
        id: "about",
        title: "Model and data",
        body,
    }
}

/// A number with commas between its thousands.
fn grouped(number: u64) -> String {
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
