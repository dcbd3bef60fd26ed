//! `palimpsest draw`.

use crate::program::{call, check};
use crate::stage;

/// The picture without the style sheet.
fn skeleton(svg: &str) -> String {
    let (head, rest) = svg.split_once("<style>").unwrap();
    let (_, body) = rest.split_once("</style>\n").unwrap();
    format!("{head}{body}")
}

#[test]
fn a_timeline_is_drawn_from_its_directory_and_from_its_index() {
    let root = tempfile::tempdir().unwrap();
    stage::fill(root.path());
    let dir = root.path().join(stage::TIMELINE.to_string());
    let drawn = call(&["draw".as_ref(), dir.as_os_str()]);
    assert_eq!(drawn.code, 0, "{}", drawn.stderr);
    check(
        "map_of_a_timeline_that_the_tool_draws",
        &skeleton(&drawn.stdout),
    );
    let of_index = call(&["draw".as_ref(), dir.join("index").as_os_str()]);
    assert_eq!(of_index.stdout, drawn.stdout);
    let file = root.path().join("map.svg");
    let arguments = [
        "draw".as_ref(),
        root.path().as_os_str(),
        "-o".as_ref(),
        file.as_os_str(),
    ];
    let told = call(&arguments);
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert_eq!(std::fs::read_to_string(file).unwrap(), drawn.stdout);
}

#[test]
fn a_layer_is_drawn_from_its_file_alone() {
    let root = tempfile::tempdir().unwrap();
    stage::fill(root.path());
    let layer = &stage::layers(root.path())[0];
    let drawn = call(&["draw".as_ref(), layer.as_os_str()]);
    assert_eq!(drawn.code, 0, "{}", drawn.stderr);
    assert_eq!(drawn.stdout.matches("<rect").count(), 1);
    std::fs::write(layer, "no layer").unwrap();
    assert_eq!(call(&["draw".as_ref(), layer.as_os_str()]).code, 2);
}
