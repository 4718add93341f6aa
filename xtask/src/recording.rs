//! The first run as an animated SVG: real commands, and the text that they print.

use crate::{notebooks::built, root};
use std::{
    env,
    fmt::Write as _,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

/// Pixels of a character, and the size of the letters.
const CELL: (f64, f64) = (8.4, 18.0);
const FONT: f64 = 14.0;
const MARGIN: f64 = 18.0;
/// The window's title bar.
const TOP: f64 = 34.0;
const COLUMNS: usize = 88;
const PAPER: &str = "#16181d";
const INK: &str = "#d8dee9";

/// `cargo xtask recording MUSIC SONG`: runs the commands of the first run on the directory MUSIC and the file SONG in it, and
/// writes what a terminal shows to `assets/readme/first-run.svg`.
pub fn run(arguments: &[&str]) -> Result<ExitCode, String> {
    let (music, song, program) = match arguments {
        [music, song] => (music, song, None),
        [music, song, "--program", program] => (music, song, Some(*program)),
        _ => return Err("recording: expected MUSIC and SONG".to_owned()),
    };
    let program = built(program, &[])?;
    let music = std::path::absolute(music).map_err(|error| error.to_string())?;
    let work = new_directory()?;
    let result = record(&program, &music, song, &work);
    let _ = fs::remove_dir_all(&work);
    let svg = result?;
    let output = root().join("assets/readme/first-run.svg");
    fs::write(&output, &svg).map_err(|error| format!("{}: {error}", output.display()))?;
    println!("{}: {} kB", output.display(), svg.len() / 1000);
    Ok(ExitCode::SUCCESS)
}

/// A new directory, to which the commands are relative.
fn new_directory() -> Result<PathBuf, String> {
    let path = env::temp_dir().join(format!("circumplex-recording-{}", std::process::id()));
    fs::create_dir(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}

fn record(program: &Path, music: &Path, song: &str, work: &Path) -> Result<String, String> {
    let song = music.join(song);
    let name = song.file_name().unwrap_or_default().to_string_lossy();
    let commands: [(String, Vec<PathBuf>); 3] = [
        (
            "circumplex analyze ~/Music".to_owned(),
            vec!["analyze".into(), music.into()],
        ),
        (
            "circumplex library songs --sort happy -n 5".to_owned(),
            ["library", "songs", "--sort", "happy", "-n", "5"]
                .map(Into::into)
                .to_vec(),
        ),
        (
            format!("circumplex show ~/Music/{name}"),
            vec!["show".into(), song.clone()],
        ),
    ];
    let mut screen = Screen::default();
    for (shown, arguments) in commands {
        screen.typed(&shown);
        let (mut reader, writer) = std::io::pipe().map_err(|error| error.to_string())?;
        let both = writer.try_clone().map_err(|error| error.to_string())?;
        let mut command = Command::new(program);
        command
            .args(&arguments)
            .current_dir(work)
            .env("CLICOLOR_FORCE", "1")
            .env_remove("NO_COLOR")
            .stdin(Stdio::null())
            .stdout(writer)
            .stderr(both);
        let child = command.spawn();
        // The pipe ends once the command does, and no other end is open.
        drop(command);
        let mut child = child.map_err(|error| format!("{}: {error}", program.display()))?;
        let mut text = String::new();
        let read = reader.read_to_string(&mut text);
        read.map_err(|error| error.to_string())?;
        let status = child.wait().map_err(|error| error.to_string())?;
        if !status.success() {
            return Err(format!("`{shown}` failed: {text}"));
        }
        // Paths as a reader's own.
        screen.printed(&text.replace(&*music.to_string_lossy(), "/home/me/Music"));
    }
    Ok(screen.svg())
}

/// Lines of a terminal, as SVG, each from a time on.
#[derive(Default)]
struct Screen {
    svg: String,
    lines: usize,
    seconds: f64,
}

/// A character's look: bold, and a color as in CSS.
#[derive(Clone, PartialEq, Default)]
struct Style {
    bold: bool,
    color: Option<String>,
}

impl Screen {
    /// A prompt, and a command that is typed.
    fn typed(&mut self, command: &str) {
        const PROMPT: Style = Style {
            bold: true,
            color: None,
        };
        if self.lines > 0 {
            self.seconds += 1.5;
        }
        self.run(0, "$", &PROMPT);
        self.seconds += 0.6;
        for (n, letter) in command.chars().enumerate() {
            self.run(n + 2, letter.encode_utf8(&mut [0; 4]), &Style::default());
            self.seconds += 0.05;
        }
        self.seconds += 0.5;
        self.lines += 1;
    }

    /// What a command printed, line by line.
    fn printed(&mut self, text: &str) {
        let mut style = Style::default();
        for line in text.lines() {
            let mut column = 0;
            for (n, part) in line.split('\x1b').enumerate() {
                let mut part = part;
                if n > 0
                    && let Some((codes, rest)) =
                        part.strip_prefix('[').and_then(|p| p.split_once('m'))
                {
                    style = styled(&style, codes);
                    part = rest;
                }
                self.run(column, part, &style);
                column += part.chars().count();
            }
            self.lines += 1;
            self.seconds += 0.04;
        }
    }

    /// Characters of one look at a column of the current line. Blocks are drawn, since few typefaces have them seamless, and
    /// words are placed one by one, since not every program keeps spaces.
    fn run(&mut self, column: usize, text: &str, style: &Style) {
        let letters: Vec<char> = text.chars().collect();
        let color = style.color.as_deref().unwrap_or(INK);
        let weight = if style.bold {
            " font-weight=\"bold\""
        } else {
            ""
        };
        let top = TOP + CELL.1 * self.lines as f64;
        let delay = format!("style=\"animation-delay:{:.2}s\"", self.seconds);
        let mut from = 0;
        while from < letters.len() {
            let first = letters[from];
            let same = |letter: &&char| match block(first) {
                Some((width, _)) => **letter == first && width == 1.0,
                None => first != ' ' && **letter != ' ' && block(**letter).is_none(),
            };
            let more = letters[from + 1..].iter().take_while(same).count();
            let to = from + 1 + more;
            let left = MARGIN + CELL.0 * (column + from) as f64;
            // Writing to a string does not fail.
            if let Some((width, height)) = block(first) {
                let (wide, high) = (CELL.0 * (more as f64 + width), CELL.1 * height);
                let y = top + CELL.1 - high;
                let _ = writeln!(
                    self.svg,
                    "<rect x=\"{left:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"{high:.1}\" fill=\"{color}\" {delay}/>"
                );
            } else if first != ' ' {
                let word: String = letters[from..to].iter().collect();
                let word = word
                    .replace('&', "&amp;")
                    .replace('<', "&lt;")
                    .replace('>', "&gt;");
                let (wide, base) = (CELL.0 * (to - from) as f64, top + 13.5);
                let _ = writeln!(
                    self.svg,
                    "<text x=\"{left:.1}\" y=\"{base:.1}\" textLength=\"{wide:.1}\" fill=\"{color}\"{weight} {delay}>{word}</text>"
                );
            }
            from = to;
        }
    }

    fn svg(&self) -> String {
        let width = 2.0 * MARGIN + CELL.0 * COLUMNS as f64;
        let height = TOP + CELL.1 * self.lines as f64 + MARGIN;
        let mut dots = String::new();
        for (n, color) in ["#ff5f57", "#febc2e", "#28c840"].iter().enumerate() {
            let x = 20 + 18 * n;
            let _ = write!(
                dots,
                "<circle cx=\"{x}\" cy=\"16\" r=\"5.5\" fill=\"{color}\"/>"
            );
        }
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
             height=\"{height:.0}\" font-family=\"ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace\" \
             font-size=\"{FONT}\">\n\
             <style>text,rect{{animation:a .01s both}}rect{{shape-rendering:crispEdges}}#p{{animation:none;shape-rendering:auto}}@keyframes a{{from{{opacity:0}}}}\
             @media (prefers-reduced-motion){{*{{animation:none!important}}}}</style>\n\
             <rect id=\"p\" width=\"{width:.0}\" height=\"{height:.0}\" rx=\"9\" fill=\"{PAPER}\"/>{dots}\n{}</svg>\n",
            self.svg
        )
    }
}

/// The look after a sequence of codes (`38;5;214`, `1`, `0`).
fn styled(before: &Style, codes: &str) -> Style {
    let codes: Vec<u8> = codes
        .split(';')
        .map(|code| code.parse().unwrap_or(0))
        .collect();
    match codes.as_slice() {
        [38, 5, color] => Style {
            color: Some(css(*color)),
            ..before.clone()
        },
        [1] => Style {
            bold: true,
            ..before.clone()
        },
        _ => Style::default(),
    }
}

/// A color of the cube of 6 x 6 x 6, a little lighter where it would be dim on black.
fn css(color: u8) -> String {
    const LEVELS: [u8; 6] = [60, 120, 150, 185, 220, 255];
    let n = usize::from(color.saturating_sub(16).min(215));
    let [red, green, blue] = [n / 36, n / 6 % 6, n % 6].map(|level| LEVELS[level]);
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// The part of a cell, to the right and upward, that a block fills.
fn block(letter: char) -> Option<(f64, f64)> {
    const RIGHT: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    const UP: [char; 7] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇'];
    let eighths = |blocks: [char; 7]| {
        let place = blocks.iter().position(|block| *block == letter);
        place.map(|place| (place + 1) as f64 / 8.0)
    };
    match (letter, eighths(RIGHT), eighths(UP)) {
        ('█', _, _) => Some((1.0, 1.0)),
        (_, Some(width), _) => Some((width, 1.0)),
        (_, _, Some(height)) => Some((1.0, height)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn svg_of(text: &str) -> String {
        let mut screen = Screen::default();
        screen.printed(text);
        screen.svg()
    }

    #[test]
    fn words_stand_at_their_columns_and_markup_is_escaped() {
        let svg = svg_of("a  <b>&\n    c\n");
        // 18 to the left of the first column, 8.4 for each.
        assert!(
            svg.contains("x=\"18.0\" y=\"47.5\" textLength=\"8.4\""),
            "{svg}"
        );
        assert!(svg.contains("x=\"43.2\" y=\"47.5\""), "{svg}");
        assert!(svg.contains(">&lt;b&gt;&amp;</text>"), "{svg}");
        assert!(svg.contains("x=\"51.6\" y=\"65.5\""), "{svg}");
    }

    #[test]
    fn bars_are_as_long_as_their_blocks_in_the_color_of_the_terminal() {
        let svg = svg_of("\u{1b}[38;5;214m██▌\u{1b}[0m ▂▂\n");
        assert!(
            svg.contains("width=\"16.8\" height=\"18.0\" fill=\"#ffb93c\""),
            "{svg}"
        );
        assert!(
            svg.contains("width=\"4.2\" height=\"18.0\" fill=\"#ffb93c\""),
            "{svg}"
        );
        assert!(
            svg.contains("width=\"16.8\" height=\"4.5\" fill=\"#d8dee9\""),
            "{svg}"
        );
    }
}
