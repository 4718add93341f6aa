//! The values of the page's sections.

use super::{RunReport, Training, Values, charts, worst};
use crate::{
    Result,
    evaluate::{Answer, RunScores, scores::decimals, tables::ScoreTable},
    figure::{Chart, escape, number},
    text,
};

const NOTE: &str = "Percentages are of the eight emotions, which sum to 100 for every song; valence and arousal are on a scale \
    from 1 to 9.";

/// All values of the page; those of sections that do not apply are missing.
pub(super) fn values(report: &RunReport<'_>) -> Result<Values> {
    let (run, scores, metadata) = (report.scores, &report.scores.scores, report.metadata);
    let (training, preprocessing) = (&metadata.training, &metadata.preprocessing);
    let songs = text::count(report.songs.len() as u64, "song", "songs");
    let rate = preprocessing.mel.sample_rate;
    let input = format!(
        "windows of {:.1} s at {} Hz, {} bands x {} frames",
        preprocessing.window.length as f64 / f64::from(rate),
        number(f64::from(rate), 0),
        preprocessing.mel.n_mels,
        preprocessing.frames()
    );
    let size = report.size.map(|(parameters, bytes)| {
        let [parameters, bytes] = [parameters, bytes].map(|count| number(count as f64, 0));
        format!("<dt>parameters</dt><dd>{parameters}</dd>\n<dt>file</dt><dd>{bytes} bytes</dd>\n")
    });
    let recipe = recipe_details(&training.recipe);
    let trained_on = format!("{} ({} songs)", training.name, training.songs);
    let affect = score_table("Valence and arousal", &ScoreTable::affect(scores));
    let emotions = score_table("The eight percentages", &ScoreTable::emotions(scores));
    let scatter = |axis: &str, of: fn(&Answer) -> f64| {
        let label = format!("predicted over true {axis}, a dot for each song");
        picture(&charts::scatter(report.songs, axis, of), &label)
    };
    let valence = scatter("valence", |answer| answer.valence)?;
    let arousal = scatter("arousal", |answer| answer.arousal)?;
    let label = "mean true percentage over predicted percentage";
    let reliability = picture(&charts::reliability(scores), label)?;
    let means = [&scores.mean_predicted, &scores.mean_true];
    let mean_bars = charts::bars(["predicted", "true"], " %", means);
    let errors = [&scores.per_emotion, &scores.per_emotion_baseline];
    let error_bars = charts::bars(["model", "mean-vector baseline"], "", errors);
    let mut values = Values::new([
        ("title", report.title.to_owned()),
        (
            "subject",
            format!("{songs} of {}: {}", report.data, run.measured_on),
        ),
        ("note", NOTE.to_owned()),
        ("songs", songs),
        ("data", report.data.to_owned()),
        ("labels", report.labels.clone()),
        ("measured on", run.measured_on.clone()),
        ("model", metadata.name.clone()),
        ("identity", report.identity.to_owned()),
        ("size", size.unwrap_or_default()),
        ("input", input),
        ("trained on", trained_on),
        ("recipe", recipe),
        ("emotion table", emotions),
        ("affect table", affect),
        ("valence chart", valence),
        ("arousal chart", arousal),
        ("reliability chart", reliability),
        ("mean bars", mean_bars),
        ("error bars", error_bars),
        ("quadrants", charts::quadrants(scores)),
        ("worst", worst::table(report)),
        ("worst shown", worst::worst(report.songs).len().to_string()),
        ("label tile", String::new()),
    ]);
    let folds = run.cross_validation.as_ref();
    for score in scores.numbers() {
        let spread = folds.and_then(|folds| folds.spread(&score.key));
        let spread = spread.map(|spread| {
            let numbers = [Some(spread.mean), spread.deviation];
            let [mean, deviation] = numbers.map(|number| decimals(number, score.decimals));
            format!("{mean} ± {deviation} over {} folds", spread.folds)
        });
        let over_folds = format!("{} over folds", score.key);
        values.add(&over_folds, spread.unwrap_or_default());
        values.add(&score.key, decimals(score.value, score.decimals));
    }
    if let Some(folds) = folds {
        let table = score_table("", &ScoreTable::folds(scores, folds));
        values.add("fold table", table);
    }
    let curves = training_curves(report.trainings)?;
    if !curves.is_empty() {
        values.add("training", curves);
    }
    add_labels(&mut values, run);
    Ok(values)
}

/// The recipe, folded up; nothing of an empty one.
pub(super) fn recipe_details(recipe: &str) -> String {
    match escape(recipe) {
        recipe if recipe.is_empty() => recipe,
        recipe => {
            format!("<details><summary>The recipe</summary>\n<pre>{recipe}</pre>\n</details>\n")
        }
    }
}

fn picture(chart: &Chart, label: &str) -> Result<String> {
    chart.scene().inline_svg(label)
}

pub(super) fn figure(chart: &Chart, label: &str, caption: &str) -> Result<String> {
    let picture = picture(chart, label)?;
    Ok(format!(
        "<figure>\n{picture}<figcaption>{caption}</figcaption>\n</figure>\n"
    ))
}

/// Loss and validation error over epochs; empty if nothing is known of the training.
fn training_curves(trainings: &[Training]) -> Result<String> {
    let baselines = trainings.iter().filter_map(|it| it.validation_baseline);
    let baselines: Vec<f64> = baselines.collect();
    let baseline = baselines.iter().sum::<f64>() / baselines.len() as f64;
    let kept = match (trainings, trainings.first().and_then(|first| first.kept)) {
        ([_], Some(kept)) => {
            let kept = kept + 1;
            format!("The large dot is epoch {kept}, whose weights were kept.")
        }
        ([_], None) => "The weights of the last epoch were kept.".to_owned(),
        (several, _) => {
            let several = several.len();
            format!("Thin: each of {several} trainings; thick: their mean.")
        }
    };
    let mut figures = String::new();
    if let Some(chart) = charts::curves(trainings, "loss", None, |epoch| Some(epoch.loss)) {
        let caption = format!("Mean training loss of each epoch. {kept}");
        figures += &figure(&chart, "training loss over epochs", &caption)?;
    }
    let level = Some(baseline).filter(|level| level.is_finite());
    let error = charts::curves(trainings, "validation MAE (points)", level, |epoch| {
        epoch.validation_mae
    });
    if let Some(chart) = error {
        let caption =
            format!("Mean absolute error of the eight percentages on the validation songs. {kept}");
        figures += &figure(&chart, "validation error over epochs", &caption)?;
    }
    Ok(figures)
}

/// The classification report of multi-label models.
fn add_labels(values: &mut Values, run: &RunScores) {
    let Some(labels) = &run.multi_label else {
        return;
    };
    let threshold = format!("{:.2}", labels.threshold);
    let tile = format!(
        "<div class=\"tile\"><span class=\"name\">Label F1</span><b>{:.2}</b>\
         <span class=\"small muted\">micro; probability above {threshold}</span></div>\n",
        labels.report.micro.f1
    );
    let table = ScoreTable::labels(&labels.report);
    values.add("label tile", tile);
    values.add("label table", score_table("Classification report", &table));
    values.add("present above", labels.present_above.to_string());
    values.add("threshold", threshold);
}

pub(super) fn score_table(caption: &str, table: &ScoreTable) -> String {
    let heads: Vec<&str> = table.heads.iter().map(String::as_str).collect();
    html_table(caption, &heads, &table.rows)
}

/// A table whose first column names the rows; all texts are markup.
pub(super) fn html_table(caption: &str, heads: &[&str], rows: &[Vec<String>]) -> String {
    let caption = match caption {
        "" => String::new(),
        caption => format!("<caption>{caption}</caption>\n"),
    };
    let heads: String = heads.iter().map(|it| format!("<th>{it}</th>")).collect();
    let mut body = String::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            body += &match column {
                0 => format!("<tr><th>{cell}</th>"),
                _ => format!("<td>{cell}</td>"),
            };
        }
        body += "</tr>\n";
    }
    format!(
        "<div class=\"scroll\"><table>\n{caption}<thead><tr>{heads}</tr></thead>\n\
         <tbody>\n{body}</tbody></table></div>\n"
    )
}
