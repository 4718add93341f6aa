//! The options that say how songs are compared and which take part.

use super::exclude::excluded;
use crate::{
    cli::CliError,
    search::{Explore, Filter, Metric, Query},
};
use std::{num::NonZeroUsize, path::PathBuf};

#[derive(clap::Args)]
pub(crate) struct Choice {
    /// The measure of similarity
    #[arg(long, value_enum, default_value_t = Metric::Cosine)]
    metric: Metric,
    /// Only songs that meet a condition in SQL, like "genre ILIKE '%jazz%' AND duration < 300": path, title, artist, album, genre,
    /// duration, valence, arousal, track, silent, each emotion by its name, `strongest`, and more
    #[arg(long = "where", value_name = "CONDITION")]
    condition: Option<Filter>,
    /// At most N songs of one artist; songs without the tag are not counted
    #[arg(long, value_name = "N")]
    limit_per_artist: Option<NonZeroUsize>,
    /// Leave out the files of this list: paths, one a line or NUL-separated, or an M3U playlist
    #[arg(long, value_name = "FILE")]
    exclude_list: Option<PathBuf>,
    /// For variety: draw the K songs from all that are at most X less similar than the K-th nearest
    #[arg(long, value_name = "X", value_parser = width)]
    explore: Option<f64>,
    /// Another seed draws other songs
    #[arg(long, value_name = "N", default_value_t = 0, requires = "explore")]
    seed: u64,
}

fn width(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(width) if (0.0..=2.0).contains(&width) => Ok(width),
        _ => Err("expected a difference of similarities from 0 to 2, like 0.02".to_owned()),
    }
}

impl Choice {
    /// How the library is to be searched.
    pub(crate) fn search(&self) -> Result<Query, CliError> {
        Ok(Query {
            metric: self.metric,
            filter: self.condition.clone(),
            exclude: match &self.exclude_list {
                Some(list) => excluded(list)?,
                None => Default::default(),
            },
            per_artist: self.limit_per_artist,
            explore: self.explore.map(|width| Explore {
                width,
                seed: self.seed,
            }),
            tags: false,
        })
    }
}
