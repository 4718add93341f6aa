//! `circumplex serve`, over TCP as a browser asks it. Every JSON answer is compared with the description in web/openapi.json.

use crate::common::{Place, circumplex, run, three_songs};
use arrow_schema::{DataType, Field, Schema};
use circumplex::{
    Decoder, EmotionVector, Library, LibraryInfo, LibraryWriter, ModelStamp, Moment, Song,
};
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const PORTRAIT: &[u8] = include_bytes!("../fixtures/faces/portrait.jpg");
const DESCRIPTION: &str = include_str!("../../web/openapi.json");

/// A running server, ended with the test.
struct Server {
    child: Child,
    /// `127.0.0.1:PORT`
    address: String,
    link: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Answer {
    status: u16,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}", self.text()))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    fn refuses(&self, status: u16, complaint: &str) {
        assert_eq!(self.status, status, "{}", self.text());
        let error = self.json()["error"].as_str().unwrap().to_owned();
        assert!(
            error.contains(complaint) && !error.contains('\n'),
            "{error}"
        );
    }
}

fn serve(library: &Path) -> Server {
    serve_with(library, &[])
}

fn serve_with(library: &Path, arguments: &[&str]) -> Server {
    let mut child = circumplex()
        .args(["serve", "--port", "0"])
        .arg(library)
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut link = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut link).unwrap();
    let link = link.trim().to_owned();
    let port = link.rsplit(':').next().unwrap().split('/').next().unwrap();
    Server {
        address: format!("127.0.0.1:{port}"),
        child,
        link,
    }
}

impl Server {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        let patience = Some(Duration::from_secs(60));
        stream.set_read_timeout(patience).unwrap();
        stream
    }

    /// Sends a request and reads the answer to its end.
    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut stream = self.connect();
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "Host") {
            head += &format!("Host: {}\r\n", self.address);
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("Content-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let end = bytes.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let answer = Answer {
            status: status.parse().unwrap(),
            headers: lines
                .map(|line| line.split_once(": ").unwrap())
                .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
                .collect(),
            body: bytes[end + 4..].to_vec(),
        };
        if method != "HEAD" && answer.headers["content-type"] == "application/json" {
            check_described(method, path, &answer);
        }
        answer
    }

    fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    #[track_caller]
    fn read(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, &[], body.to_string().as_bytes())
    }

    #[track_caller]
    fn ask(&self, question: Value) -> Value {
        let answer = self.post("/api/query", question);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    #[track_caller]
    fn rows(&self, question: Value) -> Vec<u64> {
        let answer = self.ask(question);
        let songs = answer["songs"].as_array().unwrap().iter();
        songs.map(|song| song["row"].as_u64().unwrap()).collect()
    }

    /// Asks until the library is as expected.
    fn wait(&self, is_expected: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let library = self.read("/api/library");
            if is_expected(&library) {
                return library;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "{library}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Compares an answer with the description of its path.
fn check_described(method: &str, path: &str, answer: &Answer) {
    let description: Value = serde_json::from_str(DESCRIPTION).unwrap();
    let path = path.split('?').next().unwrap();
    let parts = path.split('/');
    let parts = parts.map(|part| match part.parse::<u64>() {
        Ok(_) => "{row}",
        Err(_) => part,
    });
    let template = parts.collect::<Vec<_>>().join("/");
    let operation = &description["paths"][&template][method.to_lowercase()];
    let status = answer.status.to_string();
    let schema = &operation["responses"][&status]["content"]["application/json"]["schema"];
    let error = json!({"$ref": "#/components/schemas/Error"});
    let schema = match schema {
        // Paths and methods that do not exist.
        Value::Null if matches!(answer.status, 404 | 405) => &error,
        schema => schema,
    };
    assert!(
        !schema.is_null(),
        "{method} {template} {status} is not described"
    );
    let fault = fault(&description, schema, &answer.json());
    assert_eq!(fault, None, "{method} {template} {status}");
}

/// How a value differs from a schema, by the words of JSON Schema that the description uses.
fn fault(root: &Value, schema: &Value, value: &Value) -> Option<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let named = root.pointer(name.strip_prefix('#').unwrap());
        return fault(root, named.expect(name), value);
    }
    if let Some(options) = schema["oneOf"].as_array() {
        let faults = options.iter().map(|option| fault(root, option, value));
        let faults: Vec<String> = faults.collect::<Option<_>>()?;
        return Some(faults.join(" and "));
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        kinds => kinds
            .as_array()
            .unwrap()
            .iter()
            .map(|k| k.as_str().unwrap())
            .collect(),
    };
    let is_kind = kinds.iter().any(|kind| match *kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("{other}"),
    });
    if !is_kind {
        return Some(format!("expected {kinds:?}, found {value}"));
    }
    if let Some(known) = schema["enum"].as_array()
        && !known.contains(value)
    {
        return Some(format!("{value} is none of {known:?}"));
    }
    if let Some(items) = value.as_array() {
        for (key, is_wrong) in [
            (
                "minItems",
                schema["minItems"]
                    .as_u64()
                    .is_some_and(|n| (items.len() as u64) < n),
            ),
            (
                "maxItems",
                schema["maxItems"]
                    .as_u64()
                    .is_some_and(|n| items.len() as u64 > n),
            ),
        ] {
            if is_wrong {
                return Some(format!("{key}: {} items", items.len()));
            }
        }
        let faults = items.iter().map(|item| fault(root, &schema["items"], item));
        return faults.flatten().next();
    }
    let fields = value.as_object()?;
    // The description itself is an answer too.
    let properties = schema["properties"].as_object()?;
    for name in schema["required"].as_array().unwrap() {
        if !fields.contains_key(name.as_str().unwrap()) {
            return Some(format!("{name} is missing"));
        }
    }
    let faults = fields
        .iter()
        .map(|(name, value)| match properties.get(name) {
            None => Some(format!("{name} is not described")),
            Some(schema) => fault(root, schema, value).map(|fault| format!("{name}: {fault}")),
        });
    faults.flatten().next()
}

/// A song with these weights of the emotions, in the order of the eight.
fn song(path: PathBuf, weights: [f64; 8]) -> Song {
    let emotions = EmotionVector::from_weights(weights).unwrap();
    Song {
        duration_s: 3.0,
        sample_rate: 44_100,
        channels: 2,
        codec: "pcm_s16le".to_owned(),
        valence: 5.0 + weights[0] as f32 / 25.0 - weights[4] as f32 / 25.0,
        arousal: 5.0 + weights[1] as f32 / 25.0 - weights[6] as f32 / 25.0,
        felt: Some(emotions),
        embedding: weights.map(|weight| weight as f32).to_vec(),
        content_hash: Some(path.display().to_string()),
        windows: 1,
        emotions,
        path,
        ..Song::default()
    }
}

fn write_library(path: &Path, songs: Vec<Song>) {
    let model = ModelStamp {
        identity: "0".repeat(64),
        name: "test".to_owned(),
    };
    let mut info = LibraryInfo::new(
        model,
        json!({"window": {"length": 220_500}, "mel": {"sample_rate": 22_050}}),
    );
    info.timeline = true;
    let mut writer = LibraryWriter::create(path, &info, 8).unwrap();
    for song in songs {
        writer.push(song).unwrap();
    }
    writer.finish().unwrap();
}

/// A library of six songs: happy, excited, depressed, calm, a track of 1 to 2.5 s that is tense, and a silent one whose file is
/// gone.
fn six_songs() -> Place {
    let place = Place::new();
    let tone = |name: &str, hertz| place.tone(name, hertz, 3.0);
    let named = |title: &str, artist: &str, song: Song| Song {
        title: Some(title.to_owned()),
        artist: Some(artist.to_owned()),
        genre: Some("Pop".to_owned()),
        ..song
    };
    let moment = |start_s| Moment {
        start_s,
        valence: 6.0,
        arousal: 4.0,
        emotions: EmotionVector::even(),
        felt: None,
        attention: Vec::new(),
    };
    let songs = vec![
        named(
            "Sunny \"Day\"",
            "Ann",
            song(
                tone("happy.wav", 440.0),
                [80., 10., 0., 0., 0., 0., 0., 10.],
            ),
        ),
        named(
            "Run",
            "Ann",
            song(
                tone("excited.wav", 880.0),
                [20., 70., 10., 0., 0., 0., 0., 0.],
            ),
        ),
        named(
            "Rain",
            "Tom",
            song(
                tone("depressed.wav", 110.0),
                [0., 0., 0., 10., 70., 20., 0., 0.],
            ),
        ),
        Song {
            timeline: Some(vec![moment(0.0), moment(1.5)]),
            ..song(
                tone("calm Ä.wav", 220.0),
                [0., 0., 0., 0., 0., 10., 80., 10.],
            )
        },
        Song {
            track: Some(2),
            track_start_s: Some(1.0),
            track_end_s: Some(2.5),
            duration_s: 1.5,
            timeline: Some(vec![moment(1.0), moment(1.7)]),
            ..song(tone("mix.wav", 330.0), [0., 0., 90., 10., 0., 0., 0., 0.])
        },
        Song {
            silent: true,
            ..song(place.music().join("gone.wav"), [1.; 8])
        },
    ];
    write_library(&place.library(), songs);
    place
}

/// The samples of a WAV file of the tests, interleaved.
fn samples(wav: &[u8]) -> Vec<i16> {
    let reader = hound::WavReader::new(wav).unwrap();
    reader.into_samples().map(Result::unwrap).collect()
}

#[test]
fn the_page_has_headers_that_keep_other_pages_out() {
    let place = six_songs();
    let server = serve(&place.library());
    assert!(
        server.link.starts_with("http://127.0.0.1:"),
        "{}",
        server.link
    );
    for path in [
        "/",
        "/?token=x",
        "/index.html",
        "/api/library",
        "/nothing",
        "/api/nothing",
    ] {
        let answer = server.get(path);
        let policy = &answer.headers["content-security-policy"];
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
            "media-src 'self' blob:",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers["referrer-policy"], "no-referrer");
        assert!(answer.headers["permissions-policy"].contains("camera=(self)"));
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    let page = server.get("/");
    assert_eq!(
        (page.status, page.headers["content-type"].as_str()),
        (200, "text/html; charset=utf-8")
    );
    assert!(page.text().to_lowercase().starts_with("<!doctype html>"));
    let head = server.send("HEAD", "/", &[], b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.headers["content-length"], page.body.len().to_string());
    server.get("/nothing").refuses(404, "the page is at /");
    server.get("/../Cargo.toml").refuses(404, "there is no");
    server.get("/api/nothing").refuses(404, "openapi.json");
    server.send("POST", "/", &[], b"").refuses(405, "GET");
    server
        .send("DELETE", "/api/songs", &[], b"")
        .refuses(405, "another method");
    assert_eq!(server.read("/api/openapi.json")["openapi"], "3.1.0");
}

#[test]
fn hosts_and_origins_of_other_pages_are_refused() {
    let place = six_songs();
    let server = serve(&place.library());
    let with = |name, value: &str| server.send("GET", "/api/library", &[(name, value)], b"");
    for host in ["evil.example", "127.0.0.1.nip.io:80", "192.168.0.1", ""] {
        with("Host", host).refuses(403, "--host");
    }
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        with("Origin", origin).refuses(403, "only the page of this server");
    }
    assert_eq!(with("Host", "localhost:1").status, 200);
    assert_eq!(
        with("Origin", &format!("http://{}", server.address)).status,
        200
    );
}

#[test]
fn another_host_than_this_computer_demands_the_token() {
    let place = six_songs();
    let server = serve_with(&place.library(), &["--host", "0.0.0.0"]);
    let token = server.link.split("?token=").nth(1).unwrap();
    assert_eq!(token.len(), 32, "{}", server.link);
    assert_eq!(server.get("/").status, 200);
    for path in [
        "/api/library",
        "/api/songs/0/audio",
        "/api/events",
        "/api/library?token=0",
    ] {
        server
            .get(path)
            .refuses(401, "the token is missing or wrong");
    }
    let bearer = format!("Bearer {token}");
    let answer = server.send("GET", "/api/library", &[("Authorization", &bearer)], b"");
    assert_eq!(answer.status, 200);
    assert_eq!(
        server
            .get(&format!("/api/songs/0/audio?token={token}"))
            .status,
        200
    );
    server
        .send(
            "GET",
            &format!("/api/library?token={token}"),
            &[("Host", "evil.example")],
            b"",
        )
        .refuses(403, "--host");
}

#[test]
fn songs_come_column_by_column_and_one_by_one() {
    let place = six_songs();
    let server = serve(&place.library());
    let library = server.wait(|library| library["missing"] == 1);
    assert_eq!(
        (&library["state"], &library["songs"], &library["felt"]),
        (&json!("ok"), &json!(6), &json!(true))
    );
    assert_eq!(
        (&library["model"], &library["version"]),
        (&json!("test"), &json!(env!("CARGO_PKG_VERSION")))
    );
    let songs = server.read("/api/songs");
    assert_eq!(songs["generation"], library["generation"]);
    assert_eq!(
        songs["title"],
        json!(["Sunny \"Day\"", "Run", "Rain", "calm Ä", "mix (2)", "gone"])
    );
    assert_eq!(
        songs["artist"],
        json!(["Ann", "Ann", "Tom", null, null, null])
    );
    assert_eq!(songs["genre"][2], "Pop");
    assert_eq!(songs["duration_s"], json!([3.0, 3.0, 3.0, 3.0, 1.5, 3.0]));
    assert_eq!(songs["emotions"][0], json!([800, 100, 0, 0, 0, 0, 0, 100]));
    assert_eq!(songs["valence"][0], 8.2);
    assert_eq!(
        (&songs["silent"], &songs["missing"]),
        (&json!([5]), &json!([5]))
    );
    let mean: f64 = (0..5)
        .map(|row| songs["valence"][row].as_f64().unwrap())
        .sum::<f64>()
        / 5.0;
    assert!((library["mean"]["valence"].as_f64().unwrap() - mean).abs() < 1e-3);

    let track = server.read("/api/songs/4");
    assert_eq!(
        track["path"],
        place.music().join("mix.wav").to_str().unwrap()
    );
    assert_eq!(
        (&track["track"], &track["track_end_s"]),
        (&json!(2), &json!(2.5))
    );
    assert_eq!(
        (&track["title"], &track["is_missing"]),
        (&json!("mix (2)"), &json!(false))
    );
    assert_eq!(server.read("/api/songs/5")["is_missing"], true);
    for row in ["6", "18446744073709551616"] {
        server
            .get(&format!("/api/songs/{row}"))
            .refuses(404, "there is no song");
    }
    for row in ["-1", "a", "..%2f..", "0x1", "%00"] {
        assert_eq!(
            server.get(&format!("/api/songs/{row}")).status,
            404,
            "{row}"
        );
    }
    server
        .get("/api/songs/0?generation=1")
        .refuses(409, "load /api/songs again");
    server
        .get("/api/songs/0?generation=x")
        .refuses(400, "the number of a generation");
}

#[test]
fn audio_is_the_file_in_ranges() {
    let place = six_songs();
    let server = serve(&place.library());
    let file = fs::read(place.music().join("happy.wav")).unwrap();
    let whole = server.get("/api/songs/0/audio");
    assert_eq!(
        (whole.status, whole.headers["content-type"].as_str()),
        (200, "audio/wav")
    );
    assert_eq!(whole.headers["accept-ranges"], "bytes");
    assert!(whole.body == file);
    let range = |range: &str, more: &[(&str, &str)]| {
        let headers = [&[("Range", range)], more].concat();
        server.send("GET", "/api/songs/0/audio", &headers, b"")
    };
    let length = file.len();
    for (text, from, to) in [
        ("bytes=0-", 0, length),
        ("bytes=100000-400000", 100_000, 400_001),
        ("bytes=-1000", length - 1000, length),
        ("bytes=5-5", 5, 6),
    ] {
        let part = range(text, &[]);
        assert_eq!(part.status, 206);
        let last = to - 1;
        assert_eq!(
            part.headers["content-range"],
            format!("bytes {from}-{last}/{length}")
        );
        assert_eq!(part.headers["content-length"], (to - from).to_string());
        assert!(part.body == file[from..to], "{text}");
    }
    let beyond = range(&format!("bytes={length}-"), &[]);
    beyond.refuses(416, "after the end");
    assert_eq!(beyond.headers["content-range"], format!("bytes */{length}"));
    let tag = whole.headers["etag"].as_str();
    assert_eq!(range("bytes=1-", &[("If-Range", tag)]).status, 206);
    assert_eq!(range("bytes=1-", &[("If-Range", "\"other\"")]).status, 200);
    let head = server.send("HEAD", "/api/songs/0/audio", &[], b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.headers["content-length"], length.to_string());
    server.get("/api/songs/5/audio").refuses(404, "is gone");
    server
        .get("/api/songs/0/audio?format=mp3")
        .refuses(400, "wav");
    fs::write(place.music().join("happy.wav"), b"no music").unwrap();
    server
        .get("/api/songs/0/audio?format=wav")
        .refuses(422, "happy.wav");
}

#[test]
fn wav_has_the_samples_of_the_decoder_and_tracks_begin_and_end_at_their_place() {
    let place = six_songs();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/audio");
    let mut songs: Vec<Song> = Library::open(place.library())
        .unwrap()
        .songs(circumplex::Columns::ALL)
        .map(Result::unwrap)
        .collect();
    let mut compressed = Vec::new();
    for entry in fs::read_dir(&fixtures).unwrap() {
        let path = entry.unwrap().path();
        let extension = path.extension().unwrap_or_default();
        if ["flac", "m4a", "aiff", "ogg", "mp3"]
            .iter()
            .any(|it| extension == *it)
            && let Ok(mut decoder) = Decoder::open(&path)
        {
            let mut mono = Vec::new();
            while let Ok(Some(block)) = decoder.next_block() {
                mono.extend_from_slice(block);
            }
            let info = decoder.info();
            if info.damaged_packets == 0 && info.missing_s == 0.0 {
                songs.push(Song {
                    duration_s: info.duration_s,
                    ..song(path, [1.; 8])
                });
                compressed.push((info.channels, info.sample_rate, mono));
            }
        }
    }
    assert!(compressed.len() >= 5, "{}", compressed.len());
    write_library(&place.library(), songs);
    let server = serve(&place.library());

    // A file of 16-bit PCM is the same as WAV, and a track is its part.
    let mix = samples(&fs::read(place.music().join("mix.wav")).unwrap());
    let track = server.get("/api/songs/4/audio");
    assert_eq!(track.headers["content-type"], "audio/wav");
    assert_eq!(
        track.headers["content-length"],
        track.body.len().to_string()
    );
    assert!(samples(&track.body) == mix[2 * 44_100..2 * 110_250]);
    let happy = fs::read(place.music().join("happy.wav")).unwrap();
    let whole = server.get("/api/songs/0/audio?format=wav");
    assert!(samples(&whole.body) == samples(&happy));
    for (from, to) in [
        (0, 43),
        (30, 60),
        (44, 45),
        (44 + 7, 44 + 200_001),
        (whole.body.len() - 5, whole.body.len()),
    ] {
        let last = to - 1;
        let header = format!("bytes={from}-{last}");
        let part = server.send(
            "GET",
            "/api/songs/0/audio?format=wav",
            &[("Range", &header)],
            b"",
        );
        assert_eq!(part.status, 206);
        assert!(part.body == whole.body[from..to], "{from} to {to}");
    }
    // Others have the decoder's mono samples as their mean, within the rounding of 16 bits.
    for (number, (channels, rate, mono)) in compressed.iter().enumerate() {
        let answer = server.get(&format!("/api/songs/{}/audio?format=wav", 6 + number));
        let reader = hound::WavReader::new(answer.body.as_slice()).unwrap();
        let spec = reader.spec();
        assert_eq!(spec.sample_rate, *rate);
        assert_eq!(spec.channels, if *channels == 2 { 2 } else { 1 });
        let found: Vec<f32> = samples(&answer.body)
            .chunks(usize::from(spec.channels))
            .map(|frame| frame.iter().map(|s| f32::from(*s)).sum::<f32>() / frame.len() as f32)
            .collect();
        assert_eq!(found.len(), mono.len());
        for (found, expected) in found.iter().zip(mono) {
            let expected = (expected * 32_768.0).clamp(-32_768.0, 32_767.0);
            assert!((found - expected).abs() <= 1.0, "{found} {expected}");
        }
    }
}

#[test]
fn timelines_are_stored_ones_or_analyzed_now() {
    let place = six_songs();
    let server = serve(&place.library());
    let timeline = server.read("/api/songs/3/timeline");
    assert_eq!(
        (&timeline["step_s"], &timeline["window_s"]),
        (&json!(1.5), &json!(10.0))
    );
    assert_eq!(timeline["points"][1]["start_s"], 1.5);
    assert_eq!(timeline["points"][1]["emotions"], json!(vec![12.5; 8]));
    // In a track, from the track's start.
    let track = server.read("/api/songs/4/timeline");
    assert_eq!(track["points"][0]["start_s"], 0.0);
    server.get("/api/songs/0/timeline").refuses(400, "--model");
    drop(server);

    let place = three_songs();
    run(&mut place.analyze()).ends_with_code(0);
    let server = serve(&place.library());
    let library = Library::open(place.library()).unwrap();
    let songs: Vec<Song> = library
        .songs(circumplex::Columns::ALL)
        .map(Result::unwrap)
        .collect();
    let row = songs
        .iter()
        .position(|song| song.path.ends_with("middle.wav"))
        .unwrap();
    let timeline = server.read(&format!("/api/songs/{row}/timeline"));
    let points = timeline["points"].as_array().unwrap();
    assert_eq!(points.len(), songs[row].windows as usize);
    let mean = |name: &str| {
        points
            .iter()
            .map(|p| p[name].as_f64().unwrap())
            .sum::<f64>()
            / points.len() as f64
    };
    assert!((mean("valence") - f64::from(songs[row].valence)).abs() < 0.5);
}

#[test]
fn every_kind_of_question_finds_the_songs_that_fit() {
    let place = six_songs();
    let server = serve(&place.library());
    for (question, first) in [
        (json!({"emotions": {"happy": 60, "content": 5}}), 0),
        (json!({"emotions": {"Depressed": 1}}), 2),
        (json!({"vector": [0, 9, 1, 0, 0, 0, 0, 0]}), 1),
        (json!({"point": {"valence": 6, "arousal": 2}}), 3),
        (json!({"face": {"sadness": 9.5, "neutral": 0.5}}), 2),
        (json!({"face": {"happy": 9}}), 0),
        (json!({"text": "happy=60,content=40"}), 0),
        (json!({"text": "happy=60 content=40"}), 0),
        (json!({"text": "tense"}), 4),
        (json!({"text": "valence=6, arousal=2, spread=0.5"}), 3),
        (
            json!({"emotions": {"tense": 1}, "metric": "share", "by": "emotions", "relative": true}),
            4,
        ),
    ] {
        let answer = server.ask(question.clone());
        let songs = answer["songs"].as_array().unwrap();
        assert_eq!(
            (songs.len(), songs[0]["row"].as_u64().unwrap()),
            (5, first),
            "{question}"
        );
        let similarities: Vec<f64> = songs
            .iter()
            .map(|song| song["similarity"].as_f64().unwrap())
            .collect();
        assert!(similarities.is_sorted_by(|a, b| a >= b), "{similarities:?}");
        // The silent song is never an answer.
        assert!(songs.iter().all(|song| song["row"] != 5));
    }
    let answer = server.ask(json!({"face": {"happiness": 9}, "k": 1}));
    assert_eq!(answer["songs"][0]["reason"], "80 % happy, as you");
    assert_eq!(
        (&answer["songs"][0]["title"], &answer["query"]["by"]),
        (&json!("Sunny \"Day\""), &json!("felt"))
    );
    assert!(answer["query"]["valence"].as_f64().unwrap() > 6.0);
    let like = server.ask(json!({"like": [0], "k": 1}));
    assert_eq!(
        (&like["songs"][0]["row"], &like["query"]["by"]),
        (&json!(1), &json!("emotions"))
    );
    assert_eq!(
        server
            .rows(json!({"like": [0, 1], "metric": "embedding", "k": 2}))
            .len(),
        2
    );
}

#[test]
fn limits_conditions_and_leads_choose_among_the_songs() {
    let place = six_songs();
    let server = serve(&place.library());
    let happy = |more: Value| {
        let mut question = json!({"emotions": {"happy": 1}});
        question
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        server.rows(question)
    };
    assert_eq!(happy(json!({"k": 2})), [0, 1]);
    assert_eq!(happy(json!({"k": 1, "exclude": [0]})), [1]);
    assert_eq!(happy(json!({"where": "artist = 'Tom'"})), [2]);
    assert_eq!(happy(json!({"where": "  "})).len(), 5);
    let one_each = happy(json!({"limit_per_artist": 1}));
    assert!(
        one_each.contains(&0) && !one_each.contains(&1),
        "{one_each:?}"
    );
    assert_eq!(
        happy(json!({"limit_per_album": 1, "one_per_title": true})).len(),
        5
    );
    let shift = happy(json!({"lead": "calm", "k": 2}));
    assert_eq!(shift, [0, 3]);
    assert_eq!(happy(json!({"lead": {"depressed": 1}, "k": 2})), [0, 2]);
    let generation = &server.read("/api/library")["generation"];
    assert_eq!(happy(json!({"k": 1, "generation": generation})), [0]);
}

#[test]
fn questions_that_cannot_be_understood_are_refused_with_their_field() {
    let place = six_songs();
    let server = serve(&place.library());
    for (question, field, complaint) in [
        (
            json!({"emotions": {"happi": 1}}),
            "emotions",
            "did you mean \"happy\"?",
        ),
        (json!({"emotions": {"happy": -1}}), "emotions", "negative"),
        (json!({"emotions": {}}), "emotions", "above zero"),
        (json!({"vector": [1, 2]}), "vector", "eight numbers"),
        (
            json!({"point": {"valence": 10, "arousal": 1}}),
            "point",
            "between 1 and 9",
        ),
        (json!({"face": {"joyless": 1}}), "face", "joyless"),
        (json!({"text": "happy=much"}), "text", "expected a number"),
        (json!({"text": ""}), "text", "found nothing"),
        (json!({"like": []}), "like", "at least one"),
        (json!({"like": [5]}), "like", "is silent"),
        (
            json!({"text": "calm", "where": "gener = 'Pop'"}),
            "where",
            "did you mean \"genre\"?",
        ),
        (
            json!({"text": "calm", "where": "1) OR ("}),
            "where",
            "expected a condition",
        ),
        (
            json!({"text": "calm", "metric": "cosin"}),
            "metric",
            "centered-cosine",
        ),
        (json!({"text": "calm", "by": "mood"}), "by", "felt"),
        (
            json!({"text": "calm", "lead": "up"}),
            "lead",
            "unknown emotion",
        ),
        (json!({"text": "calm", "k": 0}), "k", "1 to 1000"),
        (json!({"text": "calm", "k": 5000}), "k", "1 to 1000"),
    ] {
        let answer = server.post("/api/query", question.clone());
        answer.refuses(400, complaint);
        assert_eq!(answer.json()["field"], field, "{question}");
    }
    for question in [
        json!({}),
        json!({"k": 5}),
        json!({"text": "calm", "vector": [1, 0, 0, 0, 0, 0, 0, 0]}),
    ] {
        server
            .post("/api/query", question)
            .refuses(400, "one question");
    }
    server
        .post("/api/query", json!({"like": [6]}))
        .refuses(404, "there is no song 6");
    server
        .post("/api/query", json!({"text": "calm", "generation": 1}))
        .refuses(409, "generation 1");
    for body in [
        "",
        "{",
        "[]",
        "null",
        "{\"text\": 5}",
        "{\"text\": \"calm\", \"limit\": 1}",
        "\u{fffd}",
        "{\"like\": [-1]}",
        "{\"vector\": [1e999]}",
    ] {
        server
            .send("POST", "/api/query", &[], body.as_bytes())
            .refuses(400, "openapi.json");
    }
    let deep = "[".repeat(500_000);
    server
        .send("POST", "/api/query", &[], deep.as_bytes())
        .refuses(400, "openapi.json");
    let large = format!("{{\"text\": \"{}\"}}", "x".repeat(1 << 20));
    server
        .send("POST", "/api/query", &[], large.as_bytes())
        .refuses(413, "1 MB");
}

#[test]
fn faces_in_pictures_become_expressions_and_those_emotions() {
    let place = six_songs();
    let server = serve(&place.library());
    let look = |picture: &[u8]| {
        server.send(
            "POST",
            "/api/face",
            &[("Content-Type", "image/jpeg")],
            picture,
        )
    };
    let seen = look(PORTRAIT).json();
    let faces = seen["faces"].as_array().unwrap();
    assert_eq!(faces.len(), 1, "{seen}");
    let brightness = seen["brightness"].as_f64().unwrap();
    assert!((1.0..255.0).contains(&brightness));
    let face = &faces[0]["box"];
    let end = face["x"].as_u64().unwrap() + face["width"].as_u64().unwrap();
    assert!(end <= seen["width"].as_u64().unwrap());
    assert!(faces[0]["expressions"]["happiness"].as_f64().unwrap() > 0.5);

    let mut picture = std::io::Cursor::new(Vec::new());
    let black = image::DynamicImage::new_rgb8(320, 240);
    black
        .write_to(&mut picture, image::ImageOutputFormat::Png)
        .unwrap();
    let seen = look(picture.get_ref()).json();
    assert_eq!(
        (&seen["faces"], &seen["brightness"]),
        (&json!([]), &json!(0.0))
    );
    look(b"").refuses(422, "expected JPEG, PNG or WebP");
    look(b"no picture").refuses(422, "expected JPEG, PNG or WebP");
    look(&PORTRAIT[..PORTRAIT.len() / 8]).refuses(422, "damaged");
    look(&vec![0; (8 << 20) + 1]).refuses(413, "8 MB");

    let frame = |number: u32, expressions: Value| json!({"t_s": f64::from(number) / 10.0, "expressions": expressions});
    let mut frames: Vec<Value> = (0..100)
        .map(|n| frame(n, faces[0]["expressions"].clone()))
        .collect();
    frames.extend((100..151).map(|n| frame(n, Value::Null)));
    let observed = server
        .post("/api/observations", json!({"frames": frames}))
        .json();
    assert_eq!(
        (&observed["frames"], &observed["without_face"]),
        (&json!(100), &json!(51))
    );
    let seconds = observed["seconds"].as_object().unwrap().values();
    let seconds: f64 = seconds.map(|s| s.as_f64().unwrap()).sum();
    assert!((seconds - 10.0).abs() < 1e-6, "{seconds}");
    assert!(observed["emotions"]["happy"].as_f64().unwrap() > 20.0);
    assert!(observed["valence"].as_f64().unwrap() > 5.5);
    let refuse = |frames: Value, complaint: &str| {
        server
            .post("/api/observations", json!({ "frames": frames }))
            .refuses(400, complaint);
    };
    refuse(json!([]), "row");
    refuse(json!([frame(0, Value::Null)]), "shows a face");
    refuse(json!([frame(0, json!({"joyless": 1}))]), "joyless");
    refuse(json!([frame(0, json!({"happy": -1}))]), "at least 0");
    refuse(json!([{"expressions": null}]), "t_s");
}

#[test]
fn playlists_are_files_to_save() {
    let place = six_songs();
    let server = serve(&place.library());
    let list = server.post(
        "/api/playlists",
        json!({"rows": [3, 0], "name": "Für \"uns\"/2\n", "format": "m3u8"}),
    );
    assert_eq!(list.status, 200);
    assert_eq!(
        list.headers["content-disposition"],
        "attachment; filename*=UTF-8''F%C3%BCr%20%22uns%22-2.m3u8"
    );
    let text = list.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[1], "#PLAYLIST:Für \"uns\"/2");
    assert!(
        lines[3].ends_with("calm Ä.wav") && lines[5].ends_with("happy.wav"),
        "{text}"
    );
    let xspf = server.post("/api/playlists", json!({"rows": [4], "format": "xspf"}));
    assert!(
        xspf.text().contains("start-time=1.0")
            && xspf.headers["content-disposition"].ends_with("circumplex.xspf")
    );
    let paths = server.post("/api/playlists", json!({"rows": [1], "format": "paths"}));
    assert_eq!(
        paths.text(),
        format!("{}\n", place.music().join("excited.wav").display())
    );
    server
        .post("/api/playlists", json!({"rows": [9]}))
        .refuses(404, "there is no song 9");
    server
        .post("/api/playlists", json!({"rows": [0], "generation": 1}))
        .refuses(409, "load /api/songs again");
    server
        .post("/api/playlists", json!({"rows": [0], "format": "pls"}))
        .refuses(400, "pls");
}

#[test]
fn paths_are_mapped_to_those_of_this_machine() {
    let place = Place::new();
    place.tone("a.wav", 440.0, 1.0);
    write_library(&place.library(), vec![song("/nas/a.wav".into(), [1.; 8])]);
    let server = serve(&place.library());
    server.get("/api/songs/0/audio").refuses(404, "is gone");
    drop(server);
    let map = format!("/nas={}", place.music().display());
    let server = serve_with(&place.library(), &["--map-path", &map]);
    assert_eq!(server.get("/api/songs/0/audio").status, 200);
}

#[test]
fn the_server_follows_a_library_that_is_missing_damaged_empty_and_grows() {
    let place = six_songs();
    let whole = fs::read(place.library()).unwrap();
    fs::remove_file(place.library()).unwrap();
    let server = serve(&place.library());
    let missing = server.read("/api/library");
    assert_eq!(
        (&missing["state"], &missing["songs"]),
        (&json!("missing"), &json!(0))
    );
    assert!(
        missing["message"]
            .as_str()
            .unwrap()
            .contains("circumplex analyze")
    );
    server.get("/api/songs").refuses(503, "library.parquet");
    server
        .get("/api/songs/0/audio")
        .refuses(503, "library.parquet");
    server
        .post("/api/query", json!({"text": "calm"}))
        .refuses(503, "library.parquet");

    let mut events = server.connect();
    events
        .write_all(
            format!(
                "GET /api/events HTTP/1.1\r\nHost: {}\r\n\r\n",
                server.address
            )
            .as_bytes(),
        )
        .unwrap();
    let mut events = BufReader::new(events).lines().map(Result::unwrap);
    let mut next_generation = || {
        let line = events.find(|line| line.starts_with("data: ")).unwrap();
        serde_json::from_str::<Value>(&line[6..]).unwrap()["generation"].clone()
    };
    assert_eq!(next_generation(), missing["generation"]);

    fs::write(place.library(), &whole[..whole.len() / 2]).unwrap();
    let damaged = server.wait(|library| library["state"] == "unreadable");
    assert_eq!(next_generation(), damaged["generation"]);
    write_library(&place.library(), Vec::new());
    let empty = server.wait(|library| library["state"] == "empty");
    assert_eq!(server.read("/api/songs")["title"], json!([]));
    server
        .post("/api/query", json!({"text": "calm"}))
        .refuses(409, "no songs yet");
    assert_eq!(next_generation(), empty["generation"]);
    fs::write(place.library(), &whole).unwrap();
    let ok = server.wait(|library| library["songs"] == 6);
    assert_eq!(next_generation(), ok["generation"]);

    let generation = ok["generation"].as_u64().unwrap();
    let audio = format!("/api/songs/4/audio?generation={generation}");
    let before = server.get(&audio).body;
    let happy = place.music().join("happy.wav");
    write_library(&place.library(), vec![song(happy, [1.; 8])]);
    server.wait(|library| library["songs"] == 1);
    // What plays goes on, and other rows are stale.
    assert!(server.get(&audio).body == before);
    let stale = |path: &str| server.get(&format!("{path}?generation={generation}"));
    stale("/api/songs/0").refuses(409, "load /api/songs again");
    server
        .get("/api/songs/4/audio")
        .refuses(404, "there is no song");
    server
        .get("/api/songs/0/audio?generation=1")
        .refuses(409, "load /api/songs again");
}

#[test]
fn libraries_of_another_version_and_other_files_are_named_as_such() {
    let place = Place::new();
    let description = json!({"format_version": 99}).to_string();
    let metadata = HashMap::from([("circumplex".to_owned(), description)]);
    let path = Field::new("path", DataType::Utf8, false);
    let schema = Schema::new_with_metadata(vec![path], metadata);
    let file = fs::File::create(place.library()).unwrap();
    ArrowWriter::try_new(file, schema.into(), None)
        .unwrap()
        .close()
        .unwrap();
    for (path, complaint) in [
        (place.library(), "format version 99"),
        (place.tone("a.wav", 440.0, 0.1), "expected a Parquet file"),
    ] {
        let server = serve(&path);
        let library = server.read("/api/library");
        assert_eq!(library["state"], "unreadable");
        assert!(
            library["message"].as_str().unwrap().contains(complaint),
            "{library}"
        );
    }
    let server = serve(&place.music());
    assert_eq!(server.read("/api/library")["state"], "missing");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_within_a_second_whatever_is_open() {
    let place = six_songs();
    for signal in ["-TERM", "-INT"] {
        let mut server = serve(&place.library());
        let open = |path: &str| {
            let mut stream = server.connect();
            let host = &server.address;
            stream
                .write_all(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes())
                .unwrap();
            let mut first = [0];
            stream.read_exact(&mut first).unwrap();
            stream
        };
        // Streams of which only the start is read.
        let streams = [
            open("/api/events"),
            open("/api/songs/0/audio"),
            open("/api/songs/4/audio"),
        ];
        let id = server.child.id().to_string();
        let start = Instant::now();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .unwrap()
                .success()
        );
        let status = server.child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{signal}");
        assert!(
            start.elapsed() < Duration::from_secs(1),
            "{:?}",
            start.elapsed()
        );
        drop(streams);
    }
}

#[test]
fn a_port_that_is_taken_is_an_error_and_a_taken_default_port_is_not() {
    let place = six_songs();
    let server = serve(&place.library());
    let port = server.address.rsplit(':').next().unwrap();
    let serve_at = |arguments: &[&str]| {
        run(circumplex()
            .arg("serve")
            .arg(place.library())
            .args(arguments))
    };
    serve_at(&["--port", port])
        .ends_with_code(1)
        .complains("--port 0");
    serve_at(&["--host", "no.such.host.invalid"])
        .ends_with_code(1)
        .complains("--host no.such.host.invalid");
    // An address of the range for documentation, which no computer has.
    serve_at(&["--host", "192.0.2.1", "--port", "0"])
        .ends_with_code(1)
        .complains("192.0.2.1");
}
