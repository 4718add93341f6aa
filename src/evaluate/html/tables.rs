//! The sections that are numbers: scores, folds, and what is known of model and data.

use super::{
    DataFacts, ModelFacts, RunReport,
    page::Section,
    text::{decimals, grouped, songs, spread, table, tile},
};
use crate::{
    emotion::Emotion,
    evaluate::{Number, RunScores},
    figure::escape,
};

/// The scores that matter most, in large, and tables of the others.
pub(super) fn scores(report: &RunReport<'_>) -> Section {
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
        let rmse = format!("RMSE {}", decimals(of.rmse, 2));
        let key = format!("{axis}.r2");
        body.push_str(&tile(
            &format!("R² of {axis}"),
            &decimals(of.r2, 2),
            &joined([rmse, spread(folds, &key, 2)]),
        ));
    }
    body.push_str(&tile(
        "Quadrant F1",
        &format!("{:.2}", scores.quadrants.macro_f1),
        &joined([
            format!("macro; accuracy {:.2}", scores.quadrants.accuracy),
            spread(folds, "quadrants.macro_f1", 2),
        ]),
    ));
    if let Some(labels) = multi_label {
        body.push_str(&tile(
            "Label F1",
            &format!("{:.2}", labels.report.micro.f1),
            &format!("micro; probability above {:.2}", labels.threshold),
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
        "<p class=\"small muted\">MAE is the mean absolute error in percentage points. Its baseline, the mean vector, \
         answers the mean of these songs' labels for every song. The last two columns are mean percentages. \
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
        &["MAE", "baseline", "ratio", "true %", "model %"],
        &rows,
    )
}

/// Every score of every fold; none without folds.
pub(super) fn folds(report: &RunReport<'_>) -> Option<Section> {
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
            decimals(number.value, *digits),
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

/// What is known of the model and the data.
pub(super) fn about(report: &RunReport<'_>) -> Section {
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
                grouped(u64::from(mel.sample_rate)),
                mel.n_mels,
                preprocessing.frames()
            )),
        ),
        ("judged on", Some(escape(&report.scores.measured_on))),
        (
            "data",
            Some(format!("{}, {}", escape(data), songs(report.songs.len()))),
        ),
        (
            "kept apart",
            split
                .as_deref()
                .filter(|split| *split != report.scores.measured_on)
                .map(escape),
        ),
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
