use super::*;

#[test]
fn reads_the_facts_of_the_input_only() {
    let mut log = Log::default();
    let lines = [
        "[info] Input #0, mov,mp4,m4a, from 'file:a, from b.mp4':",
        "[info]   Stream #0:0[0x1](und): Audio: aac",
        "[info]   Stream #0:2[0x0]: Video: mjpeg, yuvj420p(pc), 9000x9000 (attached pic)",
        "[info]   Stream #0:1: Video: h264 (High), yuv420p, 320x240",
        "[info]     Metadata:",
        "[info]       alpha_mode      : 1",
        "[info] Stream mapping:",
        "[info]   Stream #0:1 -> #0:0 (h264 (native) -> mjpeg (native))",
        "[info] Output #0, image2pipe, to 'pipe:1':",
        "[info]   Stream #0:0(und): Video: mjpeg",
    ];
    let events: Vec<_> = lines
        .into_iter()
        .filter_map(|line| log.line(line))
        .collect();
    let [Event::Videos(videos)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(videos.len(), 1);
    assert_eq!(videos[0].pixels(), 320 * 240);
    assert!(videos[0].alpha_beside);
    assert!(log.input_opened);
    assert_eq!(log.video(), Some("h264 (High), yuv420p, 320x240"));
    assert_eq!(log.streams.len(), 3);
}

#[test]
fn reads_the_playing_time() {
    let mut log = Log::default();
    let line = "[info]   Duration: 01:00:05.25, start: -0.021000, bitrate: 4 kb/s";
    let input = |duration, start| Some(Event::Input { duration, start });
    assert_eq!(log.line(line), input(Some(3605.25), -0.021));
    assert_eq!(
        log.line("[info]   Duration: N/A, start: 0.0"),
        input(None, 0.0)
    );
}

#[test]
fn tells_no_addresses() {
    let mut log = Log::default();
    log.line("[error] file:/home/u1/a: b.mp4: Invalid data found when processing input");
    log.line("[mov @ 0x1] [error] moov atom not found: here");
    let told = [
        "Invalid data found when processing input",
        "moov atom not found: here",
    ];
    assert_eq!(log.first, told);
}

#[test]
fn keeps_few_of_many_complaints() {
    let mut log = Log::default();
    for n in 0..1000 {
        let event = log.line(&format!("[h264 @ 0x1] [error] number {n}"));
        assert_eq!(event, (n == 0).then_some(Event::Complaint));
    }
    log.line("[mov @ 0x1] [error] stream 0, offset 0x80: partial file");
    assert_eq!(log.complaints, 1001);
    assert_eq!(log.first[0], "number 0");
    assert_eq!(log.last.len(), KEPT);
    assert!(log.truncated.is_some() && log.says("number 999"));
}

#[test]
fn a_picture_of_another_size_is_told_once() {
    let mut log = Log::default();
    let line = |width| {
        format!(
            "[graph 0 input from stream 0:0 @ 0x1] [info] filter context - w: 320 h: 180 fmt: 0, \
             incoming frame - w: {width} h: 180 fmt: 2 pts_time: 2.6"
        )
    };
    let events: Vec<_> = [320, 240, 240].map(|width| log.line(&line(width))).into();
    assert_eq!(events, [None, Some(Event::OtherSize), None]);
    assert!(log.other_sizes);
}
