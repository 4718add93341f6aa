//! `circumplex show`: one song in the terminal.

use super::{
    CliResult, Console, Exit, ModelChoice, count,
    picture::{Pictures, inline},
    sparkline::{bar, colored},
    terminal_width,
    timeline::{JsonMoment, MARGIN, affect_rows, axis_row, columns, json_moments},
    visible,
};
use crate::{
    analysis::{AnalyzeOptions, analyze_file},
    clock,
    emotion::{CENTER, Emotion, EmotionVector, Moment, SCALE_MAX, SCALE_MIN, Timeline},
    error::{Error, one_line},
    figure::{Scene, SongPicture, check_extension, emotion_color},
    library::{Column, Columns, Library, Song},
    model::Model,
    scan::{gaps, notes},
    search::{SongVector, find_songs},
};
use console::{Style, measure_text_width};
use serde::Serialize;
use std::{
    f64::consts::PI,
    path::{Path, PathBuf},
};

/// Show songs in the terminal: the eight percentages, the place on the plane, and the course over time
#[derive(clap::Args)]
#[command(after_help = "\
The songs are analyzed; with --library, those that are in it are read from it instead. A terminal with graphics shows a \
picture, others show text, in color unless NO_COLOR is set.

Examples:
  circumplex show song.mp3
  circumplex show song.mp3 -o song.png
  circumplex show --library library.parquet \"Clair de lune\"
  circumplex show *.flac --json")]
pub(crate) struct Args {
    /// Music files, or with --library songs of it
    #[arg(required = true, value_name = "SONG")]
    songs: Vec<PathBuf>,
    /// A library to find the songs in, by path, end of the path, file name or title
    #[arg(short, long, value_name = "LIBRARY")]
    library: Option<PathBuf>,
    /// The vector that is shown: `emotions`, or `felt`, which tells what listeners feel if the model learned from their votes
    #[arg(long, value_enum, value_name = "VECTOR", default_value_t)]
    by: SongVector,
    /// Pictures in the terminal
    #[arg(long, value_enum, value_name = "WHICH", default_value_t)]
    picture: Pictures,
    /// Write the picture of one song to a file, .png or .svg
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print JSON: a list with an object for each song
    #[arg(long, conflicts_with = "picture")]
    json: bool,
    #[command(flatten)]
    model: ModelChoice,
}

pub(crate) fn run(args: Args, console: &Console) -> CliResult {
    if let Some(picture) = &args.output {
        check_extension(picture)?;
        if args.songs.len() > 1 {
            bail!("--output holds the picture of one song; show one at a time");
        }
    }
    let library = args.library.as_ref().map(Library::open).transpose()?;
    let rows = match &library {
        Some(library) => find_songs(library, &args.songs)?,
        None => vec![None; args.songs.len()],
    };
    let mut model = None;
    let mut shown = Vec::new();
    let mut failed = 0;
    for (path, row) in args.songs.iter().zip(rows) {
        let song = match (&library, row) {
            (Some(library), Some(row)) => Shown::read(library, row),
            _ => {
                let model = match &model {
                    Some(model) => model,
                    None => model.insert(args.model.load()?),
                };
                Shown::analyze(path, model)
            }
        };
        match song.and_then(|song| song.with_percentages(args.by)) {
            Ok(song) if args.json => shown.push(song),
            Ok(song) => {
                if !shown.is_empty() {
                    console.print("")?;
                }
                let width = terminal_width().unwrap_or(80);
                console.print(&match args.picture.protocol() {
                    Some(protocol) => inline(&song.scene(), protocol, width.min(100))?,
                    None => song.text(width),
                })?;
                shown.push(song);
            }
            // The only song's error ends the command.
            Err(error) if args.songs.len() == 1 => return Err(error.into()),
            Err(error) => {
                console.warning(&one_line(&error));
                failed += 1;
            }
        }
    }
    if args.json {
        let songs: Vec<Json> = shown.iter().map(Shown::json).collect();
        console.print(&serde_json::to_string_pretty(&songs)?)?;
    }
    if let (Some(path), Some(song)) = (&args.output, shown.first()) {
        song.scene().save(path)?;
        console.remark(&format!("wrote {}", path.display()));
    }
    Ok(Exit::of_files(shown.len(), failed))
}

/// A song, analyzed or read from a library.
struct Shown {
    path: PathBuf,
    title: Option<String>,
    artist: Option<String>,
    model: String,
    duration_s: f64,
    notes: Vec<String>,
    valence: f32,
    arousal: f32,
    emotions: EmotionVector,
    felt: Option<EmotionVector>,
    /// Which of the two vectors is shown.
    by: SongVector,
    moments: Vec<Moment>,
    window_s: f64,
    /// End of the audio that was analyzed, in seconds of the file.
    end_s: f64,
}

impl Shown {
    fn analyze(path: &Path, model: &Model) -> crate::Result<Self> {
        let options = AnalyzeOptions {
            timeline: true,
            ..AnalyzeOptions::default()
        };
        let song = analyze_file(path, model, &options)?;
        let metadata = model.metadata();
        let preprocessing = &metadata.preprocessing;
        let rate = f64::from(preprocessing.mel.sample_rate);
        Ok(Self {
            path: path.to_owned(),
            notes: notes(&song),
            title: song.audio.tags.title,
            artist: song.audio.tags.artist,
            model: metadata.name.clone(),
            duration_s: song.audio.duration_s,
            valence: song.prediction.valence,
            arousal: song.prediction.arousal,
            emotions: song.prediction.emotions,
            felt: song.prediction.felt,
            by: SongVector::Emotions,
            moments: song.timeline.unwrap_or_default(),
            window_s: preprocessing.window.length as f64 / rate,
            end_s: song.audio.duration_s,
        })
    }

    fn read(library: &Library, row: u64) -> crate::Result<Self> {
        let columns = [
            Column::Felt,
            Column::ExcerptStartS,
            Column::ExcerptLengthS,
            Column::DamagedPackets,
            Column::MissingS,
            Column::Timeline,
        ];
        let columns = Columns::LIST.and(Columns::TAGS).and(Columns::of(&columns));
        let song = library.songs_at(&[row], columns)?.pop();
        let song = song.ok_or_else(|| Error::invalid(format!("there is no row {row}")))?;
        let info = library.info();
        let setting = |pointer| info.preprocessing.pointer(pointer)?.as_f64();
        let window_s = match (setting("/window/length"), setting("/mel/sample_rate")) {
            (Some(length), Some(rate)) if rate > 0.0 => length / rate,
            _ => 0.0,
        };
        Ok(Self {
            path: song.unique_path().into_owned(),
            model: info.model.name.clone(),
            duration_s: song.duration_s,
            notes: notes_of(&song),
            title: song.title,
            artist: song.artist,
            valence: song.valence,
            arousal: song.arousal,
            emotions: song.emotions,
            felt: song.felt,
            by: SongVector::Emotions,
            // Of a library whose windows are unknown, nothing is drawn over time.
            moments: song.timeline.filter(|_| window_s > 0.0).unwrap_or_default(),
            window_s,
            end_s: match (song.excerpt_start_s, song.excerpt_length_s) {
                (Some(start), Some(length)) => start + length,
                _ => song.track_end_s.unwrap_or(song.duration_s),
            },
        })
    }

    fn with_percentages(self, by: SongVector) -> crate::Result<Self> {
        if by == SongVector::Felt && self.felt.is_none() {
            let message = format!(
                "--by felt: the model {} did not learn from listeners' votes; ask --by emotions, or choose another model",
                self.model
            );
            return Err(Error::invalid(message).with_path(&self.path));
        }
        Ok(Self { by, ..self })
    }

    fn percentages(&self) -> &EmotionVector {
        match (&self.felt, self.by) {
            (Some(felt), SongVector::Felt) => felt,
            _ => &self.emotions,
        }
    }

    fn timeline(&self) -> Option<Timeline<'_>> {
        (!self.moments.is_empty()).then_some(Timeline {
            moments: &self.moments,
            window_s: self.window_s,
            end_s: self.end_s,
            is_felt: self.by == SongVector::Felt,
        })
    }

    /// Artist and title, or the name of the file.
    fn name(&self) -> String {
        visible(&match (&self.artist, &self.title) {
            (Some(artist), Some(title)) => format!("{artist} - {title}"),
            (None, Some(title)) => title.clone(),
            (_, None) => {
                let name = self.path.file_name().unwrap_or(self.path.as_os_str());
                name.to_string_lossy().into_owned()
            }
        })
    }

    /// Length, place, model and everything special, each in some words.
    fn facts(&self) -> Vec<String> {
        let mut facts = vec![
            clock::position(self.duration_s),
            format!("valence {:.2}", self.valence),
            format!("arousal {:.2}", self.arousal),
        ];
        if self.by == SongVector::Felt {
            facts.push("what listeners feel".to_owned());
        }
        if !self.moments.is_empty() {
            let windows = count(self.moments.len() as u64, "window", "windows");
            facts.push(format!("{windows} of {} s", self.window_s));
        }
        facts.push(format!("model {}", self.model));
        facts.extend(self.notes.iter().cloned());
        facts.iter().map(|fact| visible(fact)).collect()
    }

    fn scene(&self) -> Scene {
        let picture = SongPicture {
            title: &self.name(),
            subtitle: &self.facts().join(", "),
            valence: self.valence.into(),
            arousal: self.arousal.into(),
            emotions: self.percentages(),
            timeline: self.timeline(),
        };
        picture.scene()
    }

    /// The song for a terminal of `width` columns.
    fn text(&self, width: usize) -> String {
        let mut text = self.heading(width) + "\n";
        // Beside each other where both fit.
        let room = width.saturating_sub(PLANE_COLUMNS + GAP + MARGIN);
        let plane = plane(self.valence.into(), self.arousal.into());
        if room < 10 {
            for line in self.bars(width.saturating_sub(MARGIN).clamp(10, 40)) {
                text.push_str(&line);
                text.push('\n');
            }
            text.push('\n');
            for line in plane {
                text.push_str(&format!("{line}\n"));
            }
        } else {
            let columns = room.min(40);
            let mut bars = self.bars(columns).into_iter();
            for (n, line) in plane.iter().enumerate() {
                let left = if n >= 1 { bars.next() } else { None };
                let left = left.unwrap_or_else(|| " ".repeat(MARGIN + columns));
                text.push_str(&format!("{left}{:GAP$}{line}\n", ""));
            }
        }
        if let Some(timeline) = self.timeline()
            && let Some(whole) = timeline.whole()
        {
            let slices = timeline.slices(columns(&timeline, width));
            text.push('\n');
            text.push_str(&affect_rows(&slices, &whole));
            if console::colors_enabled() {
                text.push_str(&format!("{:<MARGIN$}", "strongest"));
                for slice in &slices {
                    let share = |emotion: &Emotion| slice.emotions[emotion.index()];
                    let by_share = |a: &Emotion, b: &Emotion| share(a).total_cmp(&share(b));
                    if let Some(strongest) = Emotion::ALL.into_iter().max_by(by_share) {
                        text.push_str(&colored("█", emotion_color(strongest)));
                    }
                }
                text.push('\n');
            }
            text.push_str(&axis_row(&timeline, slices.len(), width));
        }
        text
    }

    /// The name, and below it the facts in as many lines as they need.
    fn heading(&self, width: usize) -> String {
        let mut text = format!("{}\n", Style::new().bold().apply_to(self.name()));
        let mut line = String::new();
        for fact in self.facts() {
            if line.is_empty() {
                line = fact;
            } else if measure_text_width(&line) + 2 + measure_text_width(&fact) < width {
                line += &format!(", {fact}");
            } else {
                text += &format!("{line},\n");
                line = fact;
            }
        }
        text + &line + "\n"
    }

    /// A bar for each emotion; a full one is 50 %, or the largest percentage if that is more.
    fn bars(&self, columns: usize) -> Vec<String> {
        let emotions = self.percentages();
        let most = emotions.get(emotions.strongest()).max(50.0);
        let line = |(emotion, share): (Emotion, f32)| {
            let bar = bar(share.into(), most.into(), columns);
            let bar = colored(&bar, emotion_color(emotion));
            format!("{:<10}{share:>5.1} %  {bar}", emotion.name())
        };
        emotions.iter().map(line).collect()
    }

    fn json(&self) -> Json<'_> {
        Json {
            path: self.path.display().to_string(),
            title: self.title.as_deref(),
            artist: self.artist.as_deref(),
            model: &self.model,
            duration_s: self.duration_s,
            note: (!self.notes.is_empty()).then(|| self.notes.join("; ")),
            valence: self.valence,
            arousal: self.arousal,
            strongest: self.percentages().strongest().name(),
            emotions: &self.emotions,
            felt: self.felt.as_ref(),
            window_s: self.timeline().map(|timeline| timeline.window_s),
            timeline: json_moments(&self.moments),
        }
    }
}

/// What is special about a song of a library, in words.
fn notes_of(song: &Song) -> Vec<String> {
    let mut notes = Vec::new();
    if let (Some(start), Some(length)) = (song.excerpt_start_s, song.excerpt_length_s) {
        let start = clock::position(start);
        notes.push(format!("excerpt {length:.1} s from {start}"));
    }
    if song.silent {
        notes.push("silent".to_owned());
    }
    notes.extend(gaps(song.missing_s, song.damaged_packets));
    notes
}

const PLANE_COLUMNS: usize = 33;
const PLANE_ROWS: usize = 11;
/// Columns between the bars and the plane.
const GAP: usize = 3;

/// The valence-arousal plane, dotted in the colors of its sectors, with a song's place.
fn plane(valence: f64, arousal: f64) -> Vec<String> {
    let range = SCALE_MAX - SCALE_MIN;
    let (middle, axis) = (PLANE_COLUMNS / 2, PLANE_ROWS / 2);
    let mut cells = [[(' ', None); PLANE_COLUMNS]; PLANE_ROWS];
    for (row, cells) in cells.iter_mut().enumerate() {
        let up = SCALE_MAX - range * row as f64 / (PLANE_ROWS - 1) as f64 - CENTER;
        for (column, cell) in cells.iter_mut().enumerate() {
            let right = SCALE_MIN + range * column as f64 / (PLANE_COLUMNS - 1) as f64 - CENTER;
            *cell = match (row == axis, column == middle) {
                (true, true) => ('┼', None),
                (true, false) => ('─', None),
                (false, true) => ('│', None),
                _ if column % 2 == 0 => {
                    let eighth = (up.atan2(right) / (PI / 4.0)).rem_euclid(8.0) as usize;
                    let emotion = Emotion::ALL[eighth.min(Emotion::COUNT - 1)];
                    ('·', Some(emotion_color(emotion)))
                }
                _ => (' ', None),
            };
        }
    }
    let names = [
        (3, 24, Emotion::Happy),
        (1, 19, Emotion::Excited),
        (1, 8, Emotion::Tense),
        (3, 1, Emotion::Frustrated),
        (7, 1, Emotion::Depressed),
        (9, 8, Emotion::Tired),
        (9, 20, Emotion::Calm),
        (7, 24, Emotion::Content),
    ];
    let mut write = |row: usize, column: usize, text: &str, color| {
        for (n, letter) in text.chars().enumerate() {
            cells[row][column + n] = (letter, color);
        }
    };
    for (row, column, emotion) in names {
        let name = format!(" {emotion} ");
        write(row, column - 1, &name, Some(emotion_color(emotion)));
    }
    write(0, middle, "9 arousal", None);
    write(PLANE_ROWS - 1, middle, "1", None);
    write(axis, 0, "1", None);
    write(axis, PLANE_COLUMNS - 9, "valence 9", None);
    let place = |value: f64, cells: usize| {
        let share = ((value - SCALE_MIN) / range).clamp(0.0, 1.0);
        (share * (cells - 1) as f64).round() as usize
    };
    let row = PLANE_ROWS - 1 - place(arousal, PLANE_ROWS);
    write(row, place(valence, PLANE_COLUMNS), "●", None);
    let line = |cells: &[(char, _); PLANE_COLUMNS]| {
        let cell = |(letter, color): &(char, Option<_>)| match color {
            Some(color) => colored(&letter.to_string(), *color),
            None => letter.to_string(),
        };
        cells.iter().map(cell).collect::<String>()
    };
    cells.iter().map(line).collect()
}

/// One song as JSON.
#[derive(Serialize)]
struct Json<'a> {
    path: String,
    title: Option<&'a str>,
    artist: Option<&'a str>,
    model: &'a str,
    duration_s: f64,
    note: Option<String>,
    valence: f32,
    arousal: f32,
    strongest: &'a str,
    emotions: &'a EmotionVector,
    #[serde(skip_serializing_if = "Option::is_none")]
    felt: Option<&'a EmotionVector>,
    #[serde(skip_serializing_if = "Option::is_none")]
    window_s: Option<f64>,
    timeline: Vec<JsonMoment<'a>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn song(valence: f32, arousal: f32, weights: [f64; 8], windows: u8) -> Shown {
        let emotions = EmotionVector::from_weights(weights).unwrap();
        let moment = |n: u8| Moment {
            start_s: 15.0 * f64::from(n),
            valence,
            arousal,
            emotions,
            felt: None,
            attention: Vec::new(),
        };
        Shown {
            path: PathBuf::from("/music/a song with a name of some length.mp3"),
            title: None,
            artist: None,
            model: "best-cnn-felt".to_owned(),
            duration_s: 15.0 * f64::from(windows),
            notes: Vec::new(),
            valence,
            arousal,
            emotions,
            felt: None,
            by: SongVector::Emotions,
            moments: (0..windows).map(moment).collect(),
            window_s: 15.0,
            end_s: 15.0 * f64::from(windows),
        }
    }

    /// The row and column of the song on a plane.
    fn place(plane: &[String]) -> Option<(usize, usize)> {
        let column = |line: &String| line.chars().position(|letter| letter == '●');
        (0..)
            .zip(plane)
            .find_map(|(row, line)| Some((row, column(line)?)))
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal(
            width in 40_usize..200,
            place in [1.0_f32..=9.0, 1.0_f32..=9.0],
            weights in proptest::array::uniform8(0.01_f64..1.0),
            windows in 0_u8..40,
        ) {
            let text = song(place[0], place[1], weights, windows).text(width);
            for line in text.lines() {
                prop_assert!(measure_text_width(line.trim_end()) <= width, "{width}: {line:?}");
            }
            prop_assert_eq!(text.matches('●').count(), 1);
        }

        #[test]
        fn a_song_moves_right_with_valence_and_up_with_arousal(
            a in [1.0_f64..=9.0, 1.0_f64..=9.0],
            b in [1.0_f64..=9.0, 1.0_f64..=9.0],
        ) {
            let [a_at, b_at] = [a, b].map(|at| place(&plane(at[0], at[1])).unwrap());
            prop_assert!(a[0] < b[0] || a_at.1 >= b_at.1);
            prop_assert!(a[1] < b[1] || a_at.0 <= b_at.0);
        }
    }

    #[test]
    fn the_corners_and_the_middle_of_the_plane_are_the_ends_and_the_middle_of_the_scale() {
        let at = |valence: f64, arousal: f64| place(&plane(valence, arousal)).unwrap();
        assert_eq!([at(1.0, 9.0), at(9.0, 9.0)], [(0, 0), (0, 32)]);
        assert_eq!([at(5.0, 5.0), at(9.0, 1.0)], [(5, 16), (10, 32)]);
    }

    #[test]
    fn bars_are_beside_the_plane_where_both_fit_and_above_it_elsewhere() {
        let even = song(5.0, 5.0, [1.0; 8], 2);
        let line_of = |width: usize| {
            let text = even.text(width);
            let line = text.lines().find(|line| line.starts_with("happy"));
            line.unwrap().to_owned()
        };
        assert!(line_of(80).contains("excited"), "{}", line_of(80));
        assert!(!line_of(60).contains("excited"), "{}", line_of(60));
        assert!(line_of(60).starts_with("happy      12.5 %  █"));
    }

    #[test]
    fn a_song_without_a_timeline_has_a_lower_picture() {
        let heights = [0, 3].map(|windows| {
            let picture = song(7.0, 3.0, [1.0; 8], windows)
                .scene()
                .to_rgb(300)
                .unwrap();
            picture.len()
        });
        assert!(heights[0] > 0 && heights[0] < heights[1], "{heights:?}");
    }
}
