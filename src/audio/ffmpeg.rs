//! Decoding with ffmpeg, if it is installed, of what the built-in decoders cannot read.
//!
//! A child process writes the first audio stream as WAV, or the frames of a video as Motion-JPEG, to a pipe, which is decoded like
//! any file.

use super::{
    Excerpt, Tags,
    input::Input,
    tag_bytes::{decode_raw, raw_text},
    time_limit::TimeLimit,
};
use crate::{Error, ErrorKind, Result, charset::TagCharset, error::Context as _};
use std::{
    env,
    ffi::OsString,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread,
    time::Duration,
};
use symphonia::core::io::MediaSource;

/// Longest part of ffmpeg's messages that is kept, in bytes.
const MAX_MESSAGES: usize = 64 * 1024;
/// Time between two looks at the clock.
const TICK: Duration = Duration::from_millis(500);
/// Longest wait for the description of a file whose first samples are there.
const PATIENCE: Duration = Duration::from_secs(10);

static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();

/// Sets the ffmpeg that decodes what the built-in decoders cannot, for the whole process: a program, or none. Without
/// this call it is the first `ffmpeg` in `PATH`.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] if it does not run, or if audio was decoded before.
pub fn use_ffmpeg(program: Option<&Path>) -> Result<()> {
    if let Some(program) = program {
        let runs = version(program).is_some();
        let message = "does not run as ffmpeg; give the path of the program, or `never`";
        if !runs {
            return Err(Error::new(ErrorKind::InvalidInput, message).with_path(program));
        }
    }
    PROGRAM.set(program.map(Path::to_owned)).map_err(|_| {
        let message = "the ffmpeg to use must be set before audio is decoded";
        Error::new(ErrorKind::InvalidInput, message)
    })
}

/// The ffmpeg of this process, if there is one.
pub(crate) fn program() -> Option<&'static Path> {
    let found = || {
        if cfg!(test) {
            return None; // the same on every machine
        }
        let directories = env::var_os("PATH")?;
        let name = format!("ffmpeg{}", env::consts::EXE_SUFFIX);
        let mut places = env::split_paths(&directories).map(|directory| directory.join(&name));
        places.find(|place| place.is_file())
    };
    PROGRAM.get_or_init(found).as_deref()
}

/// The first line of `ffmpeg -version`; `None` if it does not run.
pub(crate) fn version(program: &Path) -> Option<String> {
    let mut command = Command::new(program);
    let output = command.arg("-version").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.lines().next().map(str::to_owned);
    line.filter(|line| output.status.success() && line.starts_with("ffmpeg"))
}

/// A file that ffmpeg decodes.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    program: &'static Path,
    pub(super) path: PathBuf,
    report: Arc<Report>,
}

/// ffmpeg's messages about a file.
#[derive(Debug, Default)]
struct Report {
    /// The text so far, and whether the description of the file is complete.
    text: Mutex<(String, bool)>,
    changed: Condvar,
}

impl Report {
    fn lock(&self) -> MutexGuard<'_, (String, bool)> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Collects messages until their end.
    fn collect(&self, messages: impl Read) {
        *self.lock() = Default::default();
        let mut lines = BufReader::new(messages);
        let mut line = Vec::new();
        while lines
            .read_until(b'\n', &mut line)
            .is_ok_and(|read| read > 0)
        {
            let mut text = self.lock();
            if text.0.len() < MAX_MESSAGES {
                text.0.push_str(&raw_text(&line));
            }
            text.1 |= line.starts_with(b"Output #0");
            self.changed.notify_all();
            line.clear();
        }
        self.lock().1 = true;
        self.changed.notify_all();
    }

    /// The text, once the file is described.
    fn text(&self) -> String {
        let text = self.lock();
        let waited = (self.changed).wait_timeout_while(text, PATIENCE, |text| !text.1);
        let (text, _) = waited.unwrap_or_else(PoisonError::into_inner);
        text.0.clone()
    }

    /// The length that the file's header declares, in seconds.
    fn declared_s(&self) -> Option<f64> {
        let text = self.text();
        if text.contains("Estimating duration from bitrate") {
            return None;
        }
        let (_, after) = text.split_once("Duration: ")?;
        let mut parts = after.split([',', '\n']).next()?.split(':');
        let [hours, minutes, seconds] = [(); 3].map(|()| parts.next()?.trim().parse::<f64>().ok());
        Some((hours? * 60.0 + minutes?) * 60.0 + seconds?)
    }

    /// The last message.
    fn reason(&self) -> Option<String> {
        let text = self.text();
        let reason = text.lines().rfind(|line| !line.trim().is_empty());
        reason.map(|reason| reason.trim().to_owned())
    }
}

/// The command that reads a file with `input` as its options.
fn command(program: &Path, input: &[String], path: &Path) -> Command {
    // A name with a protocol in front is never an option or an address.
    let mut file = OsString::from("file:");
    file.push(path);
    let mut command = Command::new(program);
    command
        .args(["-hide_banner", "-nostdin", "-nostats"])
        .args(["-protocol_whitelist", "file,pipe"])
        .args(input)
        .arg("-i")
        .arg(file);
    command
}

/// Runs a command that writes to standard output. It is killed when the stream is dropped or time has run out.
fn start(mut command: Command, report: &Arc<Report>, limit: &Arc<TimeLimit>) -> io::Result<Stream> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (output, messages) = (child.stdout.take(), child.stderr.take());
    let (Some(output), Some(messages)) = (output, messages) else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let report = report.clone();
    thread::spawn(move || report.collect(messages));
    let child = Arc::new(Mutex::new(child));
    let (running, ended) = mpsc::channel();
    let (watched, limit) = (child.clone(), limit.clone());
    thread::spawn(move || {
        while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
            if !limit.has_time() {
                kill(&watched);
            }
        }
    });
    Ok(Stream {
        output,
        child,
        _running: running,
    })
}

/// The frames of a video as Motion-JPEG, at most 640 pixels wide.
pub(crate) struct Video {
    path: PathBuf,
    part: Option<Excerpt>,
    report: Arc<Report>,
    limit: Arc<TimeLimit>,
    stream: Stream,
}

impl Video {
    /// Starts to decode `rate` frames of each second: of a part, at the end of the video where it has no start, or of all.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if no ffmpeg is installed, [`ErrorKind::Io`] if the file cannot be read.
    pub(crate) fn open(path: &Path, rate: f64, part: Option<Excerpt>) -> Result<Self> {
        const UNREADABLE: &str = "cannot be read";
        let program = program().ok_or_else(|| {
            let message = "a video needs ffmpeg, which is not installed; install it, or give the frames as a directory of pictures";
            Error::new(ErrorKind::Unsupported, message).with_path(path)
        })?;
        let file = std::path::absolute(path).context_at(ErrorKind::Io, path, UNREADABLE)?;
        let source = Input::Path(file.clone());
        source.len().context_at(ErrorKind::Io, path, UNREADABLE)?;
        let mut input = Vec::new();
        if let Some(Excerpt { start_s, length_s }) = part {
            match start_s {
                Some(start) => input.extend(["-ss".to_owned(), start.to_string()]),
                None => input.extend(["-sseof".to_owned(), format!("-{length_s}")]),
            }
            input.extend(["-t".to_owned(), length_s.to_string()]);
        }
        let filter = format!("fps={rate},scale=w='min(640,iw)':h=-2");
        let mut command = command(program, &input, &file);
        command.args(["-map", "0:v:0", "-vf", &filter]).args([
            "-c:v",
            "mjpeg",
            "-q:v",
            "3",
            "-f",
            "image2pipe",
            "pipe:1",
        ]);
        let (report, limit) = (Arc::default(), TimeLimit::of(&source));
        let stream = start(command, &report, &limit).context_at(ErrorKind::Io, path, UNREADABLE)?;
        Ok(Self {
            path: path.to_owned(),
            part,
            report,
            limit,
            stream,
        })
    }

    /// Seconds that the asked part has by the file's header, if that tells.
    pub(crate) fn declared_s(&self) -> Option<f64> {
        let whole = self.report.declared_s()?;
        Some(self.part.map_or(whole, |part| {
            let rest = (whole - part.start_s.unwrap_or(0.0)).max(0.0);
            rest.min(part.length_s)
        }))
    }

    /// The error of a video without frames.
    pub(crate) fn failure(&self) -> Error {
        let reason = self.report.reason();
        let reason = reason.as_deref().unwrap_or("no frames came out");
        let message = format!("ffmpeg cannot decode it: {reason}");
        Error::new(ErrorKind::Unsupported, message).with_path(&self.path)
    }
}

impl Read for Video {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.stream.read(buffer)?;
        // What arrives is looked at, which takes its time.
        self.limit.grant(1.0);
        Ok(length)
    }
}

impl Call {
    /// A call for a file that failed with an error which another decoder may not have.
    pub(crate) fn instead_of(input: &Input, error: &Error) -> Option<Self> {
        let Input::Path(path) = input else {
            return None;
        };
        let hopeful = [
            ErrorKind::Unsupported,
            ErrorKind::Damaged,
            ErrorKind::Truncated,
            ErrorKind::Empty,
        ];
        let is_file = path.metadata().is_ok_and(|metadata| metadata.len() > 0);
        let program = program().filter(|_| is_file && hopeful.contains(&error.kind()))?;
        Some(Self {
            program,
            path: std::path::absolute(path).ok()?,
            report: Arc::default(),
        })
    }

    /// Starts ffmpeg. It is killed when the stream is dropped or time has run out.
    pub(super) fn start(&self, limit: &Arc<TimeLimit>) -> io::Result<Stream> {
        let mut command = command(self.program, &[], &self.path);
        command.args(["-map", "0:a:0", "-c:a", "pcm_f32le", "-f", "wav", "pipe:1"]);
        start(command, &self.report, limit)
    }

    /// Short name of the codec.
    pub(super) fn codec(&self) -> String {
        let text = self.report.text();
        let codec = text.split_once(": Audio: ").and_then(|(_, after)| {
            let mut words = after.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            words.next().filter(|word| !word.is_empty())
        });
        codec.unwrap_or("unknown").to_owned()
    }

    /// The length that the file's header declares, in seconds.
    pub(super) fn declared_s(&self) -> Option<f64> {
        self.report.declared_s()
    }

    /// The tags of the file; those that are not UTF-8 in `charset`.
    pub(super) fn tags(&self, charset: TagCharset) -> Tags {
        let text = self.report.text();
        let field = |name: &str| {
            let mut lines = text.lines().map_while(|line| {
                let is_input = !line.starts_with("Output #0");
                is_input.then(|| line.split_once(": "))
            });
            lines.find_map(|line| {
                let (key, value) = line?;
                let is_it = key.starts_with("    ") && key.trim().eq_ignore_ascii_case(name);
                is_it.then(|| value.trim().to_owned())
            })
        };
        let field = |name| field(name).filter(|text| !text.is_empty());
        let mut tags = Tags {
            title: field("title"),
            artist: field("artist").or_else(|| field("album_artist")),
            album: field("album"),
            genre: field("genre"),
        };
        let Tags {
            title,
            artist,
            album,
            genre,
        } = &mut tags;
        decode_raw([title, artist, album, genre].into_iter().flatten(), charset);
        tags
    }

    /// The error of a file that ffmpeg cannot decode either.
    pub(super) fn failure(&self) -> Error {
        let reason = self.report.reason();
        let reason = reason.as_deref().unwrap_or("no audio came out");
        Error::new(
            ErrorKind::Unsupported,
            format!("ffmpeg cannot decode it either: {reason}"),
        )
    }
}

fn kill(child: &Mutex<Child>) {
    let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
    // One that has ended already is no failure.
    let _ = child.kill();
    let _ = child.wait();
}

/// The WAV file that a running ffmpeg writes.
pub(super) struct Stream {
    output: ChildStdout,
    child: Arc<Mutex<Child>>,
    /// Dropped with the stream, which ends the thread that watches the clock.
    _running: Sender<()>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        kill(&self.child);
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.output.read(buffer)
    }
}

impl Seek for Stream {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl MediaSource for Stream {
    fn is_seekable(&self) -> bool {
        false
    }

    fn byte_len(&self) -> Option<u64> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_that_are_not_utf_8_are_decoded() {
        let call = call("");
        let text = b"Input #0, tta, from 'a.tta':\n  Metadata:\n    title           : \xc3\xf0\xf3\xef\xef\xe0 \xea\xf0\xee\xe2\xe8\n    \
            artist          : Kino\n";
        call.report.collect(&text[..]);
        let tags = call.tags(TagCharset::default());
        assert_eq!(tags.title.as_deref(), Some("Группа крови"));
        assert_eq!(tags.artist.as_deref(), Some("Kino"));
    }

    fn call(text: &str) -> Call {
        let call = Call {
            program: Path::new("ffmpeg"),
            path: PathBuf::from("song.wma"),
            report: Arc::default(),
        };
        call.report.collect(text.as_bytes());
        call
    }

    #[test]
    fn the_description_of_a_file_has_its_codec_length_and_tags() {
        let call = call(
            "Input #0, asf, from 'file:song.wma':\n  Metadata:\n    title           : A: B\n    artist          : Some One\n    \
             WM/Year         : 1999\n    genre           : \n  Duration: 01:02:03.50, start: 0.0, bitrate: 128 kb/s\n  \
             Stream #0:0(eng): Audio: wmav2 (a[1][0][0] / 0x0161), 44100 Hz, stereo, fltp\nOutput #0, wav, to 'pipe:1':\n    \
             album           : of the output\n",
        );
        assert_eq!(call.codec(), "wmav2");
        assert_eq!(call.declared_s(), Some(3723.5));
        let tags = call.tags(TagCharset::default());
        assert_eq!(tags.title.as_deref(), Some("A: B"));
        assert_eq!(tags.artist.as_deref(), Some("Some One"));
        assert_eq!((tags.album, tags.genre), (None, None));
    }

    #[test]
    fn a_length_that_is_unknown_or_estimated_promises_nothing() {
        assert_eq!(call("  Duration: N/A, bitrate: N/A\n").declared_s(), None);
        let estimated =
            "Estimating duration from bitrate, this may be inaccurate\n  Duration: 00:00:09.00,\n";
        assert_eq!(call(estimated).declared_s(), None);
        let nothing = call("x: Invalid data found when processing input\n");
        assert_eq!(
            (nothing.declared_s(), nothing.codec()),
            (None, "unknown".to_owned())
        );
        assert!(nothing.failure().to_string().contains("Invalid data found"));
    }
}
