//! Opus packets to samples. symphonia reads the containers but has no decoder for this codec.

use super::{mixer::Mixer, source::unsupported};
use crate::{Error, ErrorKind, Result};
use opus_pure::{OpusDecoder, OpusMSDecoder};

/// Opus is always decoded at this rate.
pub(super) const SAMPLE_RATE: u32 = 48_000;
const RATE: i32 = SAMPLE_RATE as i32;

/// Longest packet that the codec allows: 120 ms, in samples per channel.
const MAX_PACKET: usize = 5_760;

enum Streams {
    One(Box<OpusDecoder>),
    Many(Box<OpusMSDecoder>),
}

/// Decoder of one Opus stream.
pub(super) struct OpusPackets {
    streams: Streams,
    pub(super) channels: usize,
    /// Samples at the start of the stream that precede the audio (RFC 7845, section 4.2).
    pub(super) pre_skip: u64,
    /// The factor that the header asks for.
    gain: f32,
    pcm: Vec<f32>,
}

impl OpusPackets {
    /// Reads the identification header: `OpusHead` as in Ogg and Matroska (RFC 7845, section 5.1), or what MP4's `dOps`
    /// box holds after the same eight letters (the same fields, big-endian, version 0).
    pub(super) fn new(head: &[u8]) -> Result<Self> {
        let broken = || Error::new(ErrorKind::Damaged, "the Opus header is broken");
        let mapping = |family| unsupported(&format!("an Opus channel mapping of family {family}"));
        let fields = head.strip_prefix(b"OpusHead").ok_or_else(broken)?;
        let (fields, table) = fields.split_first_chunk::<11>().ok_or_else(broken)?;
        let [version, channels, s0, s1, _, _, _, _, g0, g1, family] = *fields;
        let (pre_skip, gain) = if version == 0 {
            (u16::from_be_bytes([s0, s1]), i16::from_be_bytes([g0, g1]))
        } else {
            (u16::from_le_bytes([s0, s1]), i16::from_le_bytes([g0, g1]))
        };
        let channels = usize::from(channels);
        let streams = match (family, table) {
            (0, _) if channels == 1 || channels == 2 => {
                OpusDecoder::new(RATE, channels).map(|one| Streams::One(Box::new(one)))
            }
            (1 | 255, &[streams, coupled, ..]) => {
                let many = OpusMSDecoder::new(RATE, channels, family);
                let many = many.map_err(|_| broken())?;
                // The decoder knows the layouts that RFC 7845 defines. An order of channels of its own would not
                // matter for their mean; another number of streams would.
                let known = many.layout();
                if (known.nb_streams, known.nb_coupled_streams)
                    != (usize::from(streams), usize::from(coupled))
                {
                    return Err(mapping(family));
                }
                Ok(Streams::Many(Box::new(many)))
            }
            (0 | 1 | 255, _) => return Err(broken()),
            (other, _) => return Err(mapping(other)),
        }
        .map_err(|_| broken())?;
        Ok(Self {
            streams,
            channels,
            pre_skip: u64::from(pre_skip),
            // Q7.8 in dB.
            gain: 10f32.powf(f32::from(gain) / (20.0 * 256.0)),
            pcm: vec![0.0; MAX_PACKET * channels],
        })
    }

    /// Forgets earlier packets.
    pub(super) fn reset(&mut self) {
        // If that fails, the packets of the preroll overwrite the state.
        let _ = match &mut self.streams {
            Streams::One(decoder) => decoder.reset_state(),
            Streams::Many(decoder) => decoder.reset_state(),
        };
    }

    /// Appends the mono samples of one packet to `out`; `None` for a damaged packet.
    pub(super) fn decode(
        &mut self,
        packet: &[u8],
        mixer: &mut Mixer,
        out: &mut Vec<f32>,
    ) -> Option<()> {
        // An empty packet would ask the decoder to make up audio for a lost one.
        if packet.is_empty() {
            return None;
        }
        let samples = match &mut self.streams {
            Streams::One(decoder) => decoder.decode(packet, MAX_PACKET, &mut self.pcm),
            Streams::Many(decoder) => decoder.decode(packet, MAX_PACKET, &mut self.pcm),
        }
        .ok()?;
        let samples = &self.pcm[..samples * self.channels];
        mixer.append_interleaved(samples, self.channels, self.gain, out);
        Some(())
    }
}
