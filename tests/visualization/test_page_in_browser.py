# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The page as people see it: in Chromium, on a desk and on a phone."""

import json
import re
import shutil
import subprocess
from html import unescape

import pytest
from drawn_people import crowd

from mmdiffpose.visualization.scene_page import write_html

BROWSER = next(
    filter(
        None,
        map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))),
    None)
HOSTILE = ('/x/</script><script>window.hacked = 1</script><!--<script>'
           '<img src=x onerror="window.hacked = 2">.mp4')
PROBE = """
<script>
const get = id => document.getElementById(id), said = {};
const box = id => {
  const r = get(id).getBoundingClientRect();
  return [r.left, r.top, r.right, r.bottom];
};
const press = (key, more = {}) => document.body.dispatchEvent(
  new KeyboardEvent('keydown', {key, bubbles: true, ...more}));
const saved = [];
URL.createObjectURL = blob => { saved.push(blob); return '#'; };
const wait = time => new Promise(done => setTimeout(done, time));
(async () => {
  await wait(200);
  said.size = [innerWidth, innerHeight];
  said.page = [document.documentElement.scrollWidth,
               document.documentElement.scrollHeight];
  said.boxes = Object.fromEntries(
    ['view', 'bar', 'scrub', 'play', 'speed', 'fold', 'clock', 'side']
    .map(id => [id, box(id)]));
  said.menu = get('side').open;
  said.curves = !get('dock').hidden;
  said.hacked = window.hacked || 0;
  said.title = document.title;
  said.scripts = document.scripts.length;
  said.hint = get('hint').textContent;
  const frame = () => +get('scrub').value;
  const steps = [frame()];
  for (const [key, more] of [['ArrowRight'], ['ArrowRight'], ['ArrowLeft'],
                             ['End'], ['Home'],
                             ['ArrowRight', {shiftKey: true}]]) {
    press(key, more);
    steps.push(frame());
  }
  said.steps = steps;
  press('b'); press('m'); press('c'); press('h');
  said.pressed = [
    get('split').ariaPressed, get('side').open !== said.menu,
    !get('dock').hidden !== said.curves, get('hypotheses').checked];
  press('c', {ctrlKey: true});
  said.copied = !get('dock').hidden !== said.curves;
  press(' ');
  said.play = get('play').textContent;
  press(' ');
  press('j'); press('a'); press('p');
  // A PNG is made beside the page's own thread.
  for (let i = 0; saved.length < 3 && i < 1000; i++) await wait(100);
  said.saved = [];
  for (const blob of saved)
    said.saved.push([blob.type, blob.size,
      blob.type === 'text/csv' ? (await blob.text()).split('\\n')[0] : '']);
  const chart = get('charts');
  if (get('dock').hidden) press('c');
  await wait(50);
  const area = chart.getBoundingClientRect();
  chart.setPointerCapture = () => {};
  chart.dispatchEvent(new PointerEvent('pointerdown', {pointerId: 1,
    clientX: area.right - 12, clientY: area.top + 20, buttons: 1}));
  said.sought = frame();
  const out = document.createElement('pre');
  out.id = 'said';
  out.textContent = JSON.stringify(said);
  document.body.append(out);
})();
</script>
</body>
"""


@pytest.fixture(scope='module')
def look(tmp_path_factory):
    """What the page of three people says of itself in a window of a size."""
    if BROWSER is None:
        pytest.skip('the page is looked at in Chromium, which is not here')
    folder = tmp_path_factory.mktemp('page')
    path = write_html(crowd(3, frames=60, source=HOSTILE), folder / 'a.html')
    path.write_text(path.read_text().replace('</body>', PROBE))

    def ask(width, height, budget):
        done = subprocess.run([
            BROWSER, '--headless', '--no-sandbox', '--disable-gpu',
            '--disable-dev-shm-usage', f'--user-data-dir={folder / "user"}',
            f'--virtual-time-budget={budget}',
            f'--window-size={width},{height}', '--dump-dom',
            path.as_uri()
        ],
                              capture_output=True,
                              text=True,
                              timeout=120,
                              check=False)
        found = re.search(r'<pre id="said">(.*?)</pre>', done.stdout, re.S)
        return found, done.stderr[-2000:]

    def run(width, height):
        # The page's time is not the clock's: it may run out while another
        # thread, which a busy machine keeps waiting, still makes a PNG.
        for budget in (20_000, 60_000, 180_000, 540_000):
            found, errors = ask(width, height, budget)
            said = found and json.loads(unescape(found[1]))
            if said and len(said['saved']) == 3:
                break
        assert said, errors
        return said

    return run


@pytest.mark.parametrize('width, height', [(1280, 800), (390, 844),
                                           (844, 390)])
def test_page(look, width, height):
    said = look(width, height)
    inner = said['size']
    # Nothing leaves the window, and there is nothing to scroll.
    assert said['page'] == inner
    for name, (left, top, right, bottom) in said['boxes'].items():
        assert left >= 0 and top >= 0, name
        assert right <= inner[0] + 0.5 and bottom <= inner[1] + 0.5, name
    boxes = said['boxes']
    assert boxes['scrub'][2] - boxes['scrub'][0] > 250
    view, bar = boxes['view'], boxes['bar']
    assert view[3] <= bar[1] + 0.5 and view[3] - view[1] > 0.45 * inner[1]
    # On a phone the menu is folded, and covers nobody.
    phone = min(width, height) < 500
    assert said['menu'] != phone
    side = boxes['side']
    if phone:
        assert side[3] - side[1] < 60 and side[2] - side[0] < 120
    assert said['curves'] == (height > 480)
    assert 'turn' in said['hint'].lower() and 'seek' in said['hint']

    # A name is text.
    assert said['hacked'] == 0 and said['scripts'] == 3
    assert 'onerror' in said['title']

    # Keys: steps of one frame, of a second (25 frames), to the ends.
    assert said['steps'] == [0, 1, 2, 1, 59, 0, 25]
    assert said['pressed'] == ['true', True, True, False]
    assert said['copied'] is True  # ctrl + c is somebody else's
    assert said['play'] == 'pause'
    kinds = [kind for kind, _, _ in said['saved']]
    assert kinds == ['text/csv', 'text/csv', 'image/png']
    assert said['saved'][0][2] == 'frame,time,track,joint,x,y,z,std,score,seen'
    assert said['saved'][1][2] == 'frame,time,track,angle,degrees'
    # An empty picture of that size takes some 2,000 bytes.
    assert said['saved'][2][1] > 8000
    assert said['sought'] == 59
