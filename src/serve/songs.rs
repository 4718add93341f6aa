//! The library, its songs, and lists of them.

use super::{
    Answer, Shared,
    answer::{Failure, Reply, blocking, gone, json},
    guard::parameter,
    shelf::{Condition, Opened},
};
use crate::{
    analysis::{AnalyzeOptions, analyze_file},
    audio::Segment,
    emotion::{Emotion, EmotionVector, Moment},
    error::{Error, ErrorKind, Result},
    library::{Column, Columns, Group, Library, Song},
    output::{
        Format,
        playlist::{Paths, playlist},
    },
    scan::library_info,
    text::percent_encode,
};
use axum::{
    body::Bytes,
    extract::{Path, Request, State},
    http::{StatusCode, header},
};
use rayon::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{io::Write as _, sync::Arc};

/// Rows that a request may name.
pub(super) const MOST_ROWS: usize = 100_000;

/// What the map needs of every song.
const MAP: Columns = Columns::TAGS
    .and(Columns::FILE)
    .with(Column::DurationS)
    .with(Column::Valence)
    .with(Column::Arousal)
    .with(Column::Emotions)
    .with(Column::Silent);
/// The columns of the map, in their order in JSON.
const NAMES: [&str; 8] = [
    "title",
    "artist",
    "album",
    "genre",
    "duration_s",
    "valence",
    "arousal",
    "emotions",
];

/// The songs of a library as JSON, and their mean.
pub(super) struct Summary {
    /// The object of `/api/songs` without its closing brace.
    json: Bytes,
    /// Valence and arousal; `None` where every song is silent.
    mean: Option<[f64; 2]>,
    pub(super) has_felt: bool,
}

/// The songs of a row group.
#[derive(Default)]
struct Part {
    columns: [Vec<u8>; NAMES.len()],
    silent: Vec<u64>,
    songs: u64,
    sums: [f64; 2],
}

impl Part {
    fn add(&mut self, row: u64, song: &Song) {
        let [
            title,
            artist,
            album,
            genre,
            duration,
            valence,
            arousal,
            emotions,
        ] = &mut self.columns;
        push_text(title, Some(&song.shown_title()));
        push_text(artist, song.artist.as_deref());
        push_text(album, song.album.as_deref());
        push_text(genre, song.genre.as_deref());
        push_number(duration, Some(song.duration_s).filter(|s| *s > 0.0), 1);
        push_number(valence, Some(song.valence.into()), 3);
        push_number(arousal, Some(song.arousal.into()), 3);
        emotions.push(b'[');
        for share in song.emotions.as_array() {
            push_number(emotions, Some((share * 10.0).into()), 0);
        }
        emotions.pop();
        emotions.extend(b"],");
        if song.silent {
            self.silent.push(row);
        } else {
            self.songs += 1;
            self.sums[0] += f64::from(song.valence);
            self.sums[1] += f64::from(song.arousal);
        }
    }
}

fn push_text(out: &mut Vec<u8>, text: Option<&str>) {
    // Writing to memory cannot fail.
    let _ = serde_json::to_writer(&mut *out, &text);
    out.push(b',');
}

fn push_number(out: &mut Vec<u8>, number: Option<f64>, decimals: usize) {
    let _ = match number {
        Some(number) if number.is_finite() => write!(out, "{number:.decimals$},"),
        _ => write!(out, "null,"),
    };
}

/// Reads every song of a library.
pub(super) fn summary(library: &Library, generation: u64) -> Result<Summary> {
    let groups: Vec<Group> = library.groups().collect();
    let parts: Vec<Part> = groups
        .par_iter()
        .map(|group| {
            let mut part = Part::default();
            for batch in library.batches(group, MAP, None) {
                let (first_row, batch) = batch?;
                let songs = library.file_of(first_row).songs_of(first_row, &batch)?;
                for (row, song) in (first_row..).zip(&songs) {
                    part.add(row, song);
                }
            }
            Ok(part)
        })
        .collect::<Result<_>>()?;
    let bytes: usize = parts
        .iter()
        .flat_map(|part| &part.columns)
        .map(Vec::len)
        .sum();
    let mut json = Vec::with_capacity(bytes + 4096);
    let songs = library.rows();
    let _ = write!(json, "{{\"generation\":{generation},\"songs\":{songs}");
    for (number, name) in NAMES.iter().enumerate() {
        let _ = write!(json, ",\"{name}\":[");
        for part in &parts {
            json.extend(&part.columns[number]);
        }
        json.pop_if(|last| *last == b',');
        json.push(b']');
    }
    let silent: Vec<u64> = parts
        .iter()
        .flat_map(|part| &part.silent)
        .copied()
        .collect();
    let _ = write!(json, ",\"silent\":{}", json!(silent));
    let counted: u64 = parts.iter().map(|part| part.songs).sum();
    let mean = |n: usize| parts.iter().map(|part| part.sums[n]).sum::<f64>() / counted as f64;
    Ok(Summary {
        json: json.into(),
        mean: (counted > 0).then(|| [mean(0), mean(1)]),
        has_felt: library.has_felt(),
    })
}

/// The rows whose file is not there.
pub(super) fn missing_rows(library: &Library) -> Result<Vec<u64>> {
    let mut rows = Vec::new();
    for (row, song) in (0..).zip(library.songs(Columns::of(&[Column::Path]))) {
        if !song?.path.is_file() {
            rows.push(row);
        }
    }
    Ok(rows)
}

/// `GET /api/library`: what is there.
pub(super) async fn library(State(server): State<Shared>) -> Answer {
    let described = blocking(move || {
        let opened = server.shelf.current();
        let (condition, message) = opened.condition();
        let library = opened.library().ok();
        let summary = opened.summary().ok();
        let mean = summary.and_then(|summary| summary.mean);
        Ok(json!({
            "state": condition.name(),
            "message": message,
            "generation": opened.generation,
            "name": library.map(Library::name),
            "songs": match condition {
                Condition::Ok => library.map_or(0, Library::rows),
                _ => 0,
            },
            "missing": opened.missing().len(),
            "model": library.map(|library| &library.info().model.name),
            "emotions": Emotion::ALL.map(Emotion::name),
            "felt": summary.is_some_and(|summary| summary.has_felt),
            "mean": mean.map(|[valence, arousal]| json!({"valence": valence, "arousal": arousal})),
            "version": env!("CARGO_PKG_VERSION"),
        }))
    });
    Reply::json(&described.await?)
}

/// `GET /api/songs`: every song, column by column.
pub(super) async fn columns(State(server): State<Shared>) -> Answer {
    let opened = server.shelf.current();
    let json = blocking(move || {
        Ok(opened.summary().map(|summary| {
            let end = format!(",\"missing\":{}}}", json!(opened.missing()));
            vec![summary.json.clone(), end.into()]
        }))
    });
    Ok(Reply::json_pieces(json.await??))
}

/// The number of a song in a request's path.
pub(super) fn row_of(text: &str, library: &Library) -> std::result::Result<u64, Failure> {
    let row = text.parse().ok().filter(|row| *row < library.rows());
    row.ok_or_else(|| {
        let songs = library.rows();
        Failure::new(
            StatusCode::NOT_FOUND,
            format!("there is no song {text:?} in a library of {songs}; rows count from 0"),
        )
    })
}

/// The generation in a request's URI.
pub(super) fn generation(request: &Request) -> std::result::Result<Option<u64>, Failure> {
    let Some(text) = parameter(request, "generation") else {
        return Ok(None);
    };
    let generation = text.parse().ok();
    generation.map(Some).ok_or_else(|| {
        Failure::invalid(format!(
            "expected the number of a generation, found {text:?}"
        ))
    })
}

/// Some columns of one song.
pub(super) fn read_song(library: &Library, row: u64, columns: Columns) -> Result<Song> {
    let song = library.songs_at(&[row], columns)?.pop();
    song.ok_or_else(|| Error::invalid(format!("there is no row {row}")))
}

/// `GET /api/songs/{row}`: all columns of one song but its embedding and its timeline.
pub(super) async fn song(
    State(server): State<Shared>,
    Path(row): Path<String>,
    request: Request,
) -> Answer {
    let opened = server.shelf.checked(generation(&request)?)?;
    let row = row_of(&row, opened.library()?)?;
    let song = blocking(move || {
        let Ok(library) = opened.library() else {
            return Ok(Value::Null);
        };
        let columns = Column::ALL.into_iter();
        let columns =
            columns.filter(|column| !matches!(column, Column::Embedding | Column::Timeline));
        let columns = columns.fold(Columns::of(&[]), Columns::with);
        let song = read_song(library, row, columns)?;
        let mut value = serde_json::to_value(&song)
            .map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))?;
        if let Some(fields) = value.as_object_mut() {
            for name in ["embedding", "timeline", "path_bytes"] {
                fields.remove(name);
            }
        }
        value["row"] = row.into();
        value["generation"] = opened.generation.into();
        value["title"] = song.shown_title().into();
        value["emotions"] = json!(song.emotions.as_array());
        value["felt"] = json!(song.felt.as_ref().map(EmotionVector::as_array));
        value["is_missing"] = (!song.path.is_file()).into();
        Ok(value)
    });
    Reply::json(&song.await?)
}

/// `GET /api/songs/{row}/timeline`: the emotions of a song over time, from the library, or analyzed now.
pub(super) async fn timeline(
    State(server): State<Shared>,
    Path(row): Path<String>,
    request: Request,
) -> Answer {
    let opened = server.shelf.recent(generation(&request)?)?;
    let row = row_of(&row, opened.library()?)?;
    let timeline = blocking(move || timeline_of(&server, &opened, row));
    Reply::json(&timeline.await?.ok_or_else(gone)?)
}

/// None where the timeline is not stored and the file is gone.
fn timeline_of(server: &Shared, opened: &Arc<Opened>, row: u64) -> Result<Option<Value>> {
    let Ok(library) = opened.library() else {
        return Ok(Some(Value::Null));
    };
    let columns = Columns::FILE
        .with(Column::TrackStartS)
        .with(Column::TrackEndS)
        .with(Column::DurationS)
        .with(Column::Timeline);
    let song = read_song(library, row, columns)?;
    let moments = match song.timeline {
        Some(moments) => moments,
        None if !song.path.is_file() => return Ok(None),
        None => analyzed(server, library, &song)?,
    };
    // Times in the file become times in the track.
    let start_s = song.track_start_s.unwrap_or(0.0);
    let points: Vec<Value> = moments
        .iter()
        .map(|moment| {
            json!({
                "start_s": moment.start_s - start_s,
                "valence": moment.valence,
                "arousal": moment.arousal,
                "emotions": moment.emotions.as_array(),
            })
        })
        .collect();
    let step_s = match moments.as_slice() {
        [first, second, ..] => Some(second.start_s - first.start_s),
        _ => None,
    };
    let preprocessing = &library.info().preprocessing;
    let number = |key: &str, part: &str| preprocessing.get(key)?.get(part)?.as_f64();
    let window_s = number("window", "length")
        .zip(number("mel", "sample_rate"))
        .map(|(length, rate)| length / rate);
    Ok(Some(
        json!({ "step_s": step_s.or(window_s), "window_s": window_s, "points": points }),
    ))
}

/// The timeline of a song that the library stores none of.
fn analyzed(server: &Shared, library: &Library, song: &Song) -> Result<Vec<Moment>> {
    let model = server.model()?;
    let theirs = &library.info().model;
    if library_info(&model, &AnalyzeOptions::default())
        .model
        .identity
        != theirs.identity
    {
        return Err(Error::invalid(format!(
            "the library stores no timeline of this song, and was made by another model ({}) than the one that is loaded; start \
             with --model, or analyze the music with --timeline",
            theirs.name
        )));
    }
    let segment = song.track_start_s.map(|start_s| Segment {
        start_s,
        end_s: song.track_end_s.unwrap_or(f64::INFINITY),
    });
    let options = AnalyzeOptions {
        timeline: true,
        segment,
        ..AnalyzeOptions::default()
    };
    let analysis = analyze_file(&song.path, &model, &options)?;
    Ok(analysis.timeline.unwrap_or_default())
}

/// A playlist that is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    rows: Vec<u64>,
    name: Option<String>,
    #[serde(default)]
    format: ListFormat,
    generation: Option<u64>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ListFormat {
    #[default]
    M3u8,
    Xspf,
    Paths,
}

/// `POST /api/playlists`: rows to a playlist, as a file to save.
pub(super) async fn playlists(State(server): State<Shared>, request: Request) -> Answer {
    let wanted: Wanted = json(request).await?;
    let opened = server.shelf.checked(wanted.generation)?;
    check_rows(&wanted.rows, opened.library()?, "rows")?;
    let name = wanted.name.filter(|name| !name.trim().is_empty());
    let title = name.clone();
    let text = blocking(move || {
        let Ok(library) = opened.library() else {
            return Ok(String::new());
        };
        let columns = Columns::LIST.and(Columns::TAGS);
        let songs = library.songs_at(&wanted.rows, columns)?;
        let format = match wanted.format {
            ListFormat::M3u8 => Format::M3u8,
            ListFormat::Xspf => Format::Xspf,
            ListFormat::Paths => {
                let paths = songs
                    .iter()
                    .map(|song| format!("{}\n", song.path.display()));
                return Ok(paths.collect());
            }
        };
        Ok(playlist(format, title.as_deref(), &songs, &Paths::Absolute))
    });
    let text = text.await?;
    let (content_type, extension) = match wanted.format {
        ListFormat::M3u8 => ("audio/x-mpegurl; charset=utf-8", "m3u8"),
        ListFormat::Xspf => ("application/xspf+xml", "xspf"),
        ListFormat::Paths => return Ok(Reply::of("text/plain; charset=utf-8", text)),
    };
    let name = name.as_deref().unwrap_or("circumplex").trim();
    // RFC 6266 and 8187: every byte of the name that could be misread is encoded. Slashes would name directories.
    let encoded = percent_encode(name.replace(['/', '\\'], "-").as_bytes());
    let disposition = format!("attachment; filename*=UTF-8''{encoded}.{extension}");
    Ok(Reply::of(content_type, text).with(header::CONTENT_DISPOSITION, disposition))
}

/// Checks rows that a request names.
pub(super) fn check_rows(
    rows: &[u64],
    library: &Library,
    field: &'static str,
) -> std::result::Result<(), Failure> {
    if rows.len() > MOST_ROWS {
        let message = format!("{field}: {} rows; name at most {MOST_ROWS}", rows.len());
        return Err(Failure::invalid(message).of(field));
    }
    for row in rows {
        if *row >= library.rows() {
            let songs = library.rows();
            let message = format!("{field}: there is no song {row} in a library of {songs}");
            return Err(Failure::new(StatusCode::NOT_FOUND, message).of(field));
        }
    }
    Ok(())
}
