use super::*;
use crate::audio::{DecodeOptions, Decoder, Input, tag_bytes::raw_bytes, time_limit::TimeLimit};
use encoding_rs::Encoding;

/// Text in the encoding of this name.
fn encoded(name: &str, text: &str) -> Vec<u8> {
    let encoding = Encoding::for_label(name.as_bytes()).unwrap();
    let (bytes, _, has_unmappable) = encoding.encode(text);
    assert!(!has_unmappable, "{text} in {name}");
    bytes.into_owned()
}

fn synchsafe(size: usize) -> [u8; 4] {
    [21, 14, 7, 0].map(|shift| (size >> shift & 0x7f) as u8)
}

/// A frame of ID3v2.2, 3 or 4 with a byte that declares the encoding.
fn frame(version: u8, id: &str, declared: u8, text: &[u8]) -> Vec<u8> {
    let size = text.len() + 1;
    let size = match version {
        4 => synchsafe(size),
        _ => (size as u32).to_be_bytes(),
    };
    let (size, flags): (&[u8], &[u8]) = match version {
        2 => (&size[1..], b""),
        _ => (&size, b"\0\0"),
    };
    [id.as_bytes(), size, flags, &[declared], text].concat()
}

/// A frame of ID3v2.4 with the size as a plain number.
fn plain_frame(id: &str, declared: u8, text: &[u8]) -> Vec<u8> {
    frame(3, id, declared, text)
}

fn id3v2(version: u8, frames: &[Vec<u8>]) -> Vec<u8> {
    let frames = frames.concat();
    let size = synchsafe(frames.len() + 20);
    [b"ID3", &[version, 0, 0][..], &size, &frames, &[0; 20]].concat()
}

fn id3v1(title: &[u8], artist: &[u8], genre: u8) -> Vec<u8> {
    let field = |text: &[u8]| {
        let mut field = text.to_vec();
        field.resize(30, 0);
        field
    };
    [
        b"TAG",
        &field(title)[..],
        &field(artist),
        &[0; 64],
        &[genre],
    ]
    .concat()
}

/// The sound of an MP3 file, without tags.
fn sound() -> Vec<u8> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/audio/no-info-frame.mp3"
    );
    let bytes = std::fs::read(path).unwrap();
    let start = bytes.windows(2).position(|two| two == [0xff, 0xfb]);
    bytes[start.unwrap()..].to_vec()
}

fn chunk(id: &[u8], content: &[u8]) -> Vec<u8> {
    let size = content.len() as u32;
    let padding = &[0][..content.len() % 2];
    [id, &size.to_le_bytes(), content, padding].concat()
}

/// A WAV file with these chunks after its samples.
fn wav(chunks: &[Vec<u8>]) -> Vec<u8> {
    let format = [1, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x80, 0x3e, 0, 0, 2, 0, 16, 0];
    let body = [
        b"WAVE".to_vec(),
        chunk(b"fmt ", &format),
        chunk(b"data", &[0; 32_000]),
        chunks.concat(),
    ];
    let body = body.concat();
    [b"RIFF", &(body.len() as u32).to_le_bytes()[..], &body].concat()
}

fn info_list(title: &[u8], artist: &[u8]) -> Vec<u8> {
    let content = [
        b"INFO".to_vec(),
        chunk(b"INAM", title),
        chunk(b"IART", artist),
    ];
    chunk(b"LIST", &content.concat())
}

fn tags_with(bytes: Vec<u8>, charset: TagCharset) -> Tags {
    let input = Input::Bytes(bytes.into());
    let options = DecodeOptions {
        tag_charset: charset,
        ..DecodeOptions::default()
    };
    let decoder = Decoder::open_directly(input, &options).unwrap();
    decoder.info().tags.clone()
}

/// Title and artist of a file.
fn tags(bytes: Vec<u8>) -> (String, String) {
    let tags = tags_with(bytes, TagCharset::default());
    (
        tags.title.unwrap_or_default(),
        tags.artist.unwrap_or_default(),
    )
}

fn pair(title: &str, artist: &str) -> (String, String) {
    (title.to_owned(), artist.to_owned())
}

const SONGS: [(&str, &str, &str); 8] = [
    ("gbk", "我的歌声里", "曲婉婷"),
    ("big5", "月亮代表我的心", "鄧麗君"),
    ("shift_jis", "ひこうき雲", "荒井由実のベスト"),
    ("euc-kr", "강남스타일", "싸이"),
    ("windows-1251", "Группа крови", "Кино"),
    ("windows-1253", "Συννεφιασμένη Κυριακή", "Τσιτσάνης"),
    ("windows-1252", "Björk", "Sigur Rós – Ænima"),
    ("utf-8", "我的歌声里", "Björk"),
];

#[test]
fn text_declared_as_latin_1_or_utf_8_may_be_of_another_encoding() {
    for (name, title, artist) in SONGS {
        let expected = pair(title, artist);
        let (title, artist) = (encoded(name, title), encoded(name, artist));
        for (version, declared, ids) in [
            (2, 0, ["TT2", "TP1"]),
            (3, 0, ["TIT2", "TPE1"]),
            (3, 3, ["TIT2", "TPE1"]),
            (4, 3, ["TIT2", "TPE1"]),
        ] {
            let frames = [
                frame(version, ids[0], declared, &title),
                frame(version, ids[1], declared, &artist),
            ];
            let file = [id3v2(version, &frames), sound()].concat();
            assert_eq!(tags(file), expected, "{name} in ID3v2.{version}");
        }
        let file = wav(&[info_list(&title, &artist)]);
        assert_eq!(tags(file), expected, "{name} in RIFF INFO");
        let frames = [frame(3, "TIT2", 0, &title), frame(3, "TPE1", 0, &artist)];
        let file = wav(&[chunk(b"id3 ", &id3v2(3, &frames))]);
        assert_eq!(tags(file), expected, "{name} in a chunk of a WAV file");
        if title.len() <= 30 && artist.len() <= 30 {
            let file = [sound(), id3v1(&title, &artist, 255)].concat();
            assert_eq!(tags(file), expected, "{name} in ID3v1");
        }
    }
}

#[test]
fn declared_text_is_read_as_declared() {
    let utf_16 = |text: &str| -> Vec<u8> {
        let mark = [0xff, 0xfe].into_iter();
        mark.chain(text.encode_utf16().flat_map(u16::to_le_bytes))
            .collect()
    };
    for (title, declared) in [("Björk".as_bytes().to_vec(), 3), (utf_16("Björk"), 1)] {
        let other = encoded("windows-1251", "Кино");
        let frames = [
            frame(4, "TIT2", declared, &title),
            frame(4, "TPE1", 0, &other),
        ];
        let file = [id3v2(4, &frames), sound()].concat();
        let charset = "windows-1251".parse().unwrap();
        let tags = tags_with(file, charset);
        assert_eq!(tags.title.as_deref(), Some("Björk"));
        assert_eq!(tags.artist.as_deref(), Some("Кино"));
    }
    // A zero too many is no reason to lose the tag.
    let title = [utf_16("Tïtle"), vec![0]].concat();
    let file = [id3v2(3, &[frame(3, "TIT2", 1, &title)]), sound()].concat();
    assert_eq!(tags(file).0, "Tïtle");
}

#[test]
fn a_named_encoding_is_used_for_undeclared_text() {
    let title = encoded("windows-1250", "Dvořák");
    let file = [id3v2(3, &[frame(3, "TIT2", 0, &title)]), sound()].concat();
    let charset = "windows-1250".parse().unwrap();
    assert_eq!(tags_with(file, charset).title.as_deref(), Some("Dvořák"));
}

#[test]
fn riff_info_is_read_in_its_declared_code_page() {
    for (code_page, name, title) in [
        (1250_u16, "windows-1250", "Dvořák"),
        (932, "shift_jis", "ソ"),
        (28592, "iso-8859-2", "Łódź"),
        (0, "windows-1252", "Björk"),
        (1, "utf-8", "Björk"),
    ] {
        let code_page = [&code_page.to_le_bytes()[..], &[0; 6]].concat();
        let list = info_list(&[encoded(name, title), vec![0]].concat(), b"Somebody");
        let file = wav(&[list, chunk(b"CSET", &code_page)]);
        assert_eq!(tags(file), pair(title, "Somebody"), "{name}");
    }
}

#[test]
fn frames_whose_sizes_are_plain_numbers_are_found() {
    let long = "A".repeat(200);
    let picture = [&b"image/jpeg\0\x03\0"[..], &[0xff; 3000]].concat();
    let frames = [
        plain_frame("APIC", 0, &picture),
        plain_frame("COMM", 0, format!("eng\0{}", "x".repeat(300)).as_bytes()),
        plain_frame("TIT2", 0, long.as_bytes()),
        plain_frame("TPE1", 3, "iTünes".as_bytes()),
    ];
    for order in [[0, 1, 2, 3], [2, 3, 0, 1], [2, 0, 1, 3]] {
        let frames = order.map(|n: usize| frames[n].clone());
        let file = [id3v2(4, &frames), sound()].concat();
        assert_eq!(tags(file), pair(&long, "iTünes"));
    }
    // Sizes as they should be are not changed.
    let frames = [frame(4, "APIC", 0, &picture), frame(4, "TIT2", 0, b"After")];
    let file = [id3v2(4, &frames), sound()].concat();
    assert_eq!(tags(file).0, "After");
}

#[test]
fn an_invalid_frame_does_not_hide_the_others() {
    let frames = [
        frame(4, "COMM", 3, b"eng\0\xff\xff"),
        frame(4, "TXXX", 1, b"x"),
        frame(4, "TDRC", 9, b"2001"),
        frame(4, "TALB", b'A', b"lbum"),
        frame(4, "TIT2", 3, b"Title"),
    ];
    let file = [id3v2(4, &frames), sound()].concat();
    assert_eq!(tags(file).0, "Title");
}

#[test]
fn compressed_frames_are_read_where_they_are_short_and_never_hide_the_others() {
    // As zlib stores it: five bytes.
    let stored = b"\x78\x01\x01\x05\x00\xfa\xff\x03Zipp\x04\x07\x01\xa7";
    let artist = encoded("windows-1251", "Группа крови");
    for (id, length, expected) in [("TIT2", 0, "Zipp"), ("TIT2", 5000, ""), ("COMM", 0, "")] {
        let content = [&synchsafe(5)[..], stored, &vec![0; length]].concat();
        let size = synchsafe(content.len());
        let compressed = [id.as_bytes(), &size, b"\0\x09", &content].concat();
        let frames = [compressed, frame(4, "TPE1", 3, &artist)];
        let tags = tags([id3v2(4, &frames), sound()].concat());
        assert_eq!(tags, pair(expected, "Группа крови"), "{id}, {length}");
    }
}

#[test]
fn a_frame_with_a_group_and_a_length_is_read() {
    let title = encoded("windows-1251", "Группа крови");
    let length = synchsafe(title.len() + 1);
    let content = [&b"\x80"[..], &length, b"\x03", &title].concat();
    let size = synchsafe(content.len());
    let frame = [b"TIT2", &size[..], b"\0\x41", &content].concat();
    assert_eq!(
        tags([id3v2(4, &[frame]), sound()].concat()).0,
        "Группа крови"
    );
}

#[test]
fn several_artists_and_genres_in_all_forms_are_joined() {
    for (genre, expected) in [
        (&b"(51)(39)"[..], "Techno-Industrial; Noise"),
        (b"(RX)", "Remix"),
        (b"(CR)", "Cover"),
        (b"(4)Eurodisco", "Disco; Eurodisco"),
        (b"32", "Classical"),
        (b"((Foo)", "(Foo)"),
        (b"17\0Bossa Nova", "Rock; Bossa Nova"),
        (b"Rock (Live)", "Rock (Live)"),
    ] {
        let frames = [
            frame(4, "TCON", 0, genre),
            frame(4, "TPE1", 3, "Å\0B".as_bytes()),
        ];
        let tags = tags_with([id3v2(4, &frames), sound()].concat(), TagCharset::default());
        assert_eq!(tags.genre.as_deref(), Some(expected));
        assert_eq!(tags.artist.as_deref(), Some("Å; B"));
    }
    let file = [sound(), id3v1(b"T", b"A", 17)].concat();
    assert_eq!(
        tags_with(file, TagCharset::default()).genre.as_deref(),
        Some("Rock")
    );
}

#[test]
fn the_comments_of_a_flac_file_win_over_id3v2() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/audio/flac.flac"
    );
    let flac = std::fs::read(path).unwrap();
    let own = tags(flac.clone());
    assert!(!own.0.is_empty() && own.0 != "Wrong", "{own:?}");
    let frames = [frame(3, "TIT2", 0, b"Wrong"), frame(3, "TALB", 0, b"Album")];
    let file = [id3v2(3, &frames), flac].concat();
    assert_eq!(tags(file), own);
}

/// A block of Vorbis comments.
fn comments(fields: &[Vec<u8>]) -> Vec<u8> {
    let counted = |bytes: &[u8]| [&(bytes.len() as u32).to_le_bytes(), bytes].concat();
    let fields: Vec<Vec<u8>> = fields.iter().map(|field| counted(field)).collect();
    let count = (fields.len() as u32).to_le_bytes();
    [counted(b"vendor"), count.to_vec(), fields.concat()].concat()
}

#[test]
fn vorbis_comments_may_be_of_another_encoding() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/audio/flac.flac"
    );
    let flac = std::fs::read(path).unwrap();
    for (name, title, artist) in SONGS {
        let expected = pair(title, artist);
        let title = [b"title=".to_vec(), encoded(name, title)].concat();
        let artist = [b"ARTIST=".to_vec(), encoded(name, artist)].concat();
        let block = comments(&[title, artist, b"no name".to_vec()]);
        let size = (block.len() as u32).to_be_bytes();
        // STREAMINFO, the comments as the last block, and the frames.
        let mut frames = 4;
        loop {
            let is_last = flac[frames] & 0x80 != 0;
            let size = [0, flac[frames + 1], flac[frames + 2], flac[frames + 3]];
            frames += 4 + u32::from_be_bytes(size) as usize;
            if is_last {
                break;
            }
        }
        let parts = [&flac[..42], &[0x84], &size[1..], &block, &flac[frames..]];
        assert_eq!(tags(parts.concat()), expected, "{name}");
    }
}

#[test]
fn comments_of_an_ogg_file_may_be_of_another_encoding() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/audio/vorbis.ogg"
    );
    let mut ogg = std::fs::read(path).unwrap();
    let artist = b"The Oscillators";
    let at = ogg
        .windows(artist.len())
        .position(|window| window == artist);
    let name = encoded("windows-1251", "Кино и другие !");
    ogg[at.unwrap()..][..artist.len()].copy_from_slice(&name);
    let mut file = Input::Bytes(ogg.into())
        .reader(0, &TimeLimit::of(&Input::Bytes([].into())))
        .unwrap();
    let (_, text) = examine(&mut file, "ogg").unwrap();
    let text = text.get_string(ItemKey::TrackArtist).and_then(raw_bytes);
    assert_eq!(text, Some(name));
}

#[test]
fn an_ape_tag_may_be_of_another_encoding() {
    for (name, title, artist) in SONGS {
        let item = |key: &str, value: &[u8]| {
            let size = (value.len() as u32).to_le_bytes();
            [&size[..], &[0; 4], key.as_bytes(), b"\0", value].concat()
        };
        let items = [
            item("Title", &encoded(name, title)),
            item("artist", &encoded(name, artist)),
        ];
        let items = items.concat();
        let size = (items.len() as u32 + 32).to_le_bytes();
        let footer = [
            b"APETAGEX",
            &[0xe8, 3, 0, 0][..],
            &size,
            &[2, 0, 0, 0],
            &[0; 12][..],
        ]
        .concat();
        let file = [sound(), items, footer, id3v1(b"Short", b"", 17)].concat();
        assert_eq!(tags(file), pair(title, artist), "{name}");
    }
}

#[test]
fn the_tag_of_an_mp4_file_may_be_of_another_encoding() {
    for name in ["aac.m4a", "alac.m4a"] {
        let path = format!("{}/tests/fixtures/audio/{name}", env!("CARGO_MANIFEST_DIR"));
        let mut file = std::fs::read(path).unwrap();
        let title = tags(file.clone()).0;
        let artist = b"The Oscillators";
        let at = file
            .windows(artist.len())
            .position(|window| window == artist);
        let other = encoded("windows-1251", "Кино и другие !");
        file[at.unwrap()..][..artist.len()].copy_from_slice(&other);
        assert_eq!(tags(file), pair(&title, "Кино и другие !"));
    }
}
