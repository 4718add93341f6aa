//! The values of the page's sections.

use super::{RunReport, Values, charts, worst};
use crate::{
    Result,
    emotion::Emotion,
    evaluate::{FoldScores, RunScores, metrics::Agreement},
    figure::{Chart, escape, number},
};

/// All values of the page; those of sections that do not apply are missing.
pub(super) fn values(report: &RunReport<'_>) -> Result<Values> {
    let mut values = Values::from([
        ("title", report.title.to_owned()),
        ("style", include_str!("style.css").to_owned()),
        ("songs", songs(report.songs.len())),
        ("data", report.data.name.clone()),
        ("measured_on", report.scores.measured_on.clone()),
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("tiles", tiles(report.scores)),
        ("emotion_table", emotion_table(report.scores)),
        ("affect_table", affect_table(report.scores)),
        ("facts", facts(report)),
        ("recipe", recipe(report.recipe)),
        ("worst", worst::articles(report)?),
        ("worst_shown", worst::worst(report.songs).len().to_string()),
    ]);
    add_training(&mut values, report)?;
    add_charts(&mut values, report)?;
    add_labels(&mut values, report.scores)?;
    if let Some(folds) = &report.scores.cross_validation {
        values.insert("fold_table", fold_table(report.scores, folds));
    }
    Ok(values)
}

/// Markup with a caption, which is markup too.
fn captioned(content: &str, caption: &str) -> String {
    format!("<figure>\n{content}<figcaption>{caption}</figcaption>\n</figure>\n")
}

fn figure(chart: &Chart, label: &str, caption: &str) -> Result<String> {
    Ok(captioned(&chart.scene().inline_svg(label)?, caption))
}

/// The scores that matter most, in large.
fn tiles(scores: &RunScores) -> String {
    let folds = scores.cross_validation.as_ref();
    let labels = scores.multi_label.as_ref();
    let scores = &scores.scores;
    let tile = |name: &str, number: String, about: String, spread: String| {
        let line = if spread.is_empty() { "" } else { "<br/>" };
        format!(
            "<div class=\"tile\"><span class=\"what\">{name}</span><b>{number}</b>\
             <span class=\"small muted\">{about}{line}{spread}</span></div>\n"
        )
    };
    let mut baseline = format!("mean-vector baseline {:.2}", scores.mae_baseline);
    if let Some(ratio) = scores.mae_ratio {
        baseline.insert_str(0, &format!("{ratio:.2} of the "));
    }
    let mae = format!("{:.2}", scores.mae);
    let mut tiles = tile("MAE of the eight", mae, baseline, spread(folds, "mae"));
    for (axis, of) in [("valence", scores.valence), ("arousal", scores.arousal)] {
        let rmse = format!("RMSE {}", decimals(of.rmse, 2));
        let spread = spread(folds, &format!("{axis}.r2"));
        tiles += &tile(&format!("R² of {axis}"), decimals(of.r2, 2), rmse, spread);
    }
    let accuracy = format!("macro; accuracy {:.2}", scores.quadrants.accuracy);
    let f1 = format!("{:.2}", scores.quadrants.macro_f1);
    let spread = spread(folds, "quadrants.macro_f1");
    tiles += &tile("Quadrant F1", f1, accuracy, spread);
    if let Some(labels) = labels {
        let threshold = format!("micro; probability above {:.2}", labels.threshold);
        let f1 = format!("{:.2}", labels.report.micro.f1);
        tiles += &tile("Label F1", f1, threshold, String::new());
    }
    tiles
}

fn emotion_table(scores: &RunScores) -> String {
    let scores = &scores.scores;
    let row = |name: String, mae: f64, baseline: f64, means: [f64; 2]| {
        let ratio = Some(mae / baseline).filter(|ratio| ratio.is_finite());
        let [truth, predicted] = means.map(|mean| format!("{mean:.1}"));
        let [mae, baseline] = [mae, baseline].map(|error| format!("{error:.2}"));
        (
            name,
            vec![mae, baseline, decimals(ratio, 2), truth, predicted],
        )
    };
    let mut rows = Vec::new();
    for (n, (emotion, mae)) in scores.per_emotion.iter().enumerate() {
        let means = [scores.mean_true.0[n], scores.mean_predicted.0[n]];
        let baseline = scores.per_emotion_baseline.0[n];
        rows.push(row(emotion.to_string(), mae, baseline, means));
    }
    let even = 100.0 / Emotion::COUNT as f64;
    let all = "<b>all eight</b>".to_owned();
    rows.push(row(all, scores.mae, scores.mae_baseline, [even, even]));
    table(
        "The eight percentages",
        &["MAE", "baseline", "ratio", "true %", "model %"],
        &rows,
    )
}

fn affect_table(scores: &RunScores) -> String {
    let scores = &scores.scores;
    let rows = [("valence", scores.valence), ("arousal", scores.arousal)].map(|(axis, of)| {
        let cells = [of.r2, of.rmse, of.pearson, of.ccc].map(|value| decimals(value, 3));
        (axis.to_owned(), cells.to_vec())
    });
    let heads = ["R²", "RMSE", "Pearson", "CCC"];
    table("Valence and arousal", &heads, &rows)
}

/// Loss and validation error over epochs, if anything is known of the training.
fn add_training(values: &mut Values, report: &RunReport<'_>) -> Result<()> {
    let trainings = report.trainings;
    let baselines: Vec<f64> = trainings
        .iter()
        .filter_map(|training| training.validation_baseline)
        .collect();
    let baseline = baselines.iter().sum::<f64>() / baselines.len() as f64;
    let level = baseline
        .is_finite()
        .then(|| (baseline, "mean-vector baseline".to_owned()));
    let reading = match trainings {
        [only] => match only.kept {
            Some(kept) => {
                format!(
                    "The large dot is epoch {}, whose weights were kept.",
                    kept + 1
                )
            }
            None => "The weights of the last epoch were kept.".to_owned(),
        },
        several => format!(
            "Thin: each of {} trainings; thick: their mean.",
            several.len()
        ),
    };
    let mut figures = String::new();
    let finite = |value: f64| Some(value).filter(|value| value.is_finite());
    if let Some(chart) = charts::curves(trainings, "loss", None, |epoch| finite(epoch.loss)) {
        let caption = format!("Mean training loss of each epoch. {reading}");
        figures += &figure(&chart, "training loss over epochs", &caption)?;
    }
    if let Some(chart) = charts::curves(trainings, "validation MAE (points)", level, |epoch| {
        epoch.validation_mae.and_then(finite)
    }) {
        let caption = format!(
            "Mean absolute error of the eight percentages on the validation songs. {reading}"
        );
        figures += &figure(&chart, "validation error over epochs", &caption)?;
    } else if let Some(chart) =
        charts::curves(trainings, "learning rate (thousandths)", None, |epoch| {
            finite(1000.0 * epoch.learning_rate)
        })
    {
        let caption = "Learning rate at the end of each epoch; there are no validation songs.";
        figures += &figure(&chart, "learning rate over epochs", caption)?;
    }
    if !figures.is_empty() {
        values.insert("training", figures);
    }
    Ok(())
}

fn add_charts(values: &mut Values, report: &RunReport<'_>) -> Result<()> {
    let scores = &report.scores.scores;
    let caption = |of: &Agreement| {
        let [r2, pearson, ccc, rmse] =
            [of.r2, of.pearson, of.ccc, of.rmse].map(|value| decimals(value, 3));
        format!(
            "<b>R² {r2}</b>, Pearson {pearson}, CCC {ccc}, RMSE {rmse}. \
             On the dashed line, prediction and truth are equal."
        )
    };
    let ratio = match scores.mae_ratio {
        Some(ratio) => format!(", ratio {ratio:.3}"),
        None => String::new(),
    };
    let valence = charts::scatter(report.songs, "valence", |answer| answer.valence);
    let arousal = charts::scatter(report.songs, "arousal", |answer| answer.arousal);
    let (predicted, truth) = (&scores.mean_predicted, &scores.mean_true);
    let (model, baseline) = (&scores.per_emotion, &scores.per_emotion_baseline);
    let reliability = charts::reliability(scores, report.songs);
    for (name, chart, label, caption) in [
        (
            "valence",
            valence,
            "predicted over true valence, a dot for each song",
            caption(&scores.valence),
        ),
        (
            "arousal",
            arousal,
            "predicted over true arousal, a dot for each song",
            caption(&scores.arousal),
        ),
        (
            "reliability",
            reliability,
            "mean true percentage over predicted percentage",
            "Reliability of the eight percentages.".to_owned(),
        ),
    ] {
        values.insert(name, figure(&chart, label, &caption)?);
    }
    let means = charts::bars(["predicted", "true"], " %", predicted, truth);
    let errors = charts::bars(["model", "mean-vector baseline"], "", model, baseline);
    let about_errors = format!(
        "Mean absolute error of each emotion in percentage points; over all eight <b>{:.2}</b>, baseline {:.2}{ratio}.",
        scores.mae, scores.mae_baseline
    );
    let about_quadrants = format!(
        "Accuracy <b>{:.3}</b>, macro F1 <b>{:.3}</b>.",
        scores.quadrants.accuracy, scores.quadrants.macro_f1
    );
    let about_means = "Mean percentage of each emotion over all songs.";
    let quadrants = charts::quadrants(scores);
    values.insert("means", captioned(&means, about_means));
    values.insert("errors", captioned(&errors, &about_errors));
    values.insert("quadrants", captioned(&quadrants, &about_quadrants));
    let error = format!("{:.2}", scores.reliability.calibration_error);
    values.insert("calibration_error", error);
    Ok(())
}

/// The classification report of multi-label models.
fn add_labels(values: &mut Values, scores: &RunScores) -> Result<()> {
    let Some(labels) = &scores.multi_label else {
        return Ok(());
    };
    let rows = labels.report.rows().into_iter().map(|(name, row)| {
        let cells = [row.precision, row.recall, row.f1].map(|share| format!("{share:.2}"));
        let mut cells = cells.to_vec();
        cells.push(row.support.to_string());
        (name.to_owned(), cells)
    });
    let heads = ["precision", "recall", "F1", "support"];
    let rows: Vec<_> = rows.collect();
    let thresholds = match &labels.search {
        Some(search) => figure(
            &charts::thresholds(search),
            "micro F1 over probability thresholds",
            &format!(
                "Micro F1 on the songs that the threshold was chosen on; the dot is the best, {:.2} (micro F1 {:.3}).",
                search.best.threshold, search.best.micro_f1
            ),
        )?,
        None => String::new(),
    };
    values.insert("label_table", table("Classification report", &heads, &rows));
    values.insert("present_above", labels.present_above.to_string());
    values.insert("threshold", format!("{:.2}", labels.threshold));
    values.insert("thresholds", thresholds);
    Ok(())
}

/// Every score of every fold.
fn fold_table(scores: &RunScores, folds: &FoldScores) -> String {
    let names: Vec<String> = (1..=folds.folds.len())
        .map(|n| format!("fold {n}"))
        .collect();
    let mut heads = vec!["all songs", "mean", "deviation"];
    heads.extend(names.iter().map(String::as_str));
    let mut counts = vec![
        scores.scores.songs.to_string(),
        String::new(),
        String::new(),
    ];
    counts.extend(folds.folds.iter().map(|fold| fold.songs.to_string()));
    let mut rows = vec![("songs".to_owned(), counts)];
    for number in scores.scores.numbers() {
        let spread = folds.spread(&number.key);
        let mut cells = vec![
            number.value,
            spread.map(|spread| spread.mean),
            spread.and_then(|spread| spread.deviation),
        ];
        for fold in &folds.folds {
            let mut own = fold.numbers.0.iter();
            cells.push(own.find(|(key, _)| *key == number.key).and_then(|it| it.1));
        }
        let cells = cells
            .into_iter()
            .map(|value| decimals(value, number.decimals));
        rows.push((number.name, cells.collect()));
    }
    table("", &heads, &rows)
}

/// Model and data as a list of terms and descriptions.
fn facts(report: &RunReport<'_>) -> String {
    let (model, data) = (&report.model, &report.data);
    let mel = &report.preprocessing.mel;
    let input = format!(
        "windows of {:.1} s at {} Hz, {} bands x {} frames",
        report.preprocessing.window.length as f64 / f64::from(mel.sample_rate),
        grouped(u64::from(mel.sample_rate)),
        mel.n_mels,
        report.preprocessing.frames()
    );
    let measured_on = &report.scores.measured_on;
    let split = data.split.clone().filter(|split| split != measured_on);
    let bytes = model.file_bytes;
    let facts = [
        ("model", Some(model.name.clone())),
        ("SHA-256", model.identity.clone()),
        (
            "parameters",
            model.parameters.map(|count| grouped(count as u64)),
        ),
        (
            "file",
            bytes.map(|bytes| format!("{} bytes", grouped(bytes))),
        ),
        ("trained on", model.trained_on.clone()),
        ("input", Some(input)),
        ("evaluated on", Some(measured_on.clone())),
        (
            "data",
            Some(format!("{}, {}", data.name, songs(report.songs.len()))),
        ),
        ("split", split),
        ("labels", data.labels.clone()),
    ];
    facts
        .into_iter()
        .filter_map(|(term, fact)| Some((term, escape(&fact?))))
        .map(|(term, fact)| format!("<dt>{term}</dt><dd>{fact}</dd>\n"))
        .collect()
}

fn recipe(recipe: Option<&str>) -> String {
    recipe.map_or_else(String::new, |recipe| {
        let recipe = escape(recipe);
        format!("<details><summary>The recipe</summary>\n<pre>{recipe}</pre>\n</details>\n")
    })
}

/// `1 song`, `2 songs`.
fn songs(count: usize) -> String {
    crate::text::count(count as u64, "song", "songs")
}

/// A table whose first column names the rows; all are markup.
pub(super) fn table(caption: &str, heads: &[&str], rows: &[(String, Vec<String>)]) -> String {
    let caption = match caption {
        "" => String::new(),
        caption => format!("<caption>{caption}</caption>\n"),
    };
    let heads: String = heads.iter().map(|it| format!("<th>{it}</th>")).collect();
    let mut body = String::new();
    for (name, cells) in rows {
        let cells: String = cells.iter().map(|it| format!("<td>{it}</td>")).collect();
        body += &format!("<tr><th>{name}</th>{cells}</tr>\n");
    }
    format!(
        "<div class=\"scroll\"><table>\n{caption}<thead><tr><th></th>{heads}</tr></thead>\n\
         <tbody>\n{body}</tbody></table></div>\n"
    )
}

/// `0.41 ± 0.05 over 5 folds`; empty if there are no folds.
fn spread(folds: Option<&FoldScores>, key: &str) -> String {
    match folds.and_then(|folds| folds.spread(key)) {
        Some(spread) => format!(
            "{} ± {} over {} folds",
            decimals(Some(spread.mean), 2),
            decimals(spread.deviation, 2),
            spread.folds
        ),
        None => String::new(),
    }
}

/// A number with that many decimals, `n/a` if there is none.
fn decimals(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "n/a".to_owned(), |value| number(value, decimals))
}

/// A number with commas between its thousands.
fn grouped(value: u64) -> String {
    number(value as f64, 0)
}
