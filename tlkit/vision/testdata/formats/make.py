"""Makes the files of this folder with Pillow: images in the less usual forms, NAME.want.png beside each with the pixels
that Pillow decodes it to in RGB; `notread.*` are in formats that are known and not read. Run once; the tests read the
files only.

    pip install pillow numpy && python3 make.py
"""
import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

W, H = 23, 17
y, x = np.mgrid[0:H, 0:W]
pix = np.stack([127 + 120 * np.sin(x / 3.0 + y / 7.0), (x * 11) % 256, (x * 5 + y * 3) % 256], -1)
pix[4:10, 5:12] = (230, 40, 60)
pix = pix.clip(0, 255).astype(np.uint8)
src = Image.fromarray(pix)
gray = src.convert("L")
alpha = Image.fromarray(((x * 255) // W).astype(np.uint8))
wide = (pix.astype(np.uint16) << 8) + 77  # 16 bits


def want(name, im):
    im = im.convert("RGB")
    im.info.pop("transparency", None)
    im.save(name + ".want.png")


def save(name, im, **kw):
    im.save(name, **kw)
    want(name, Image.open(name))


def put(name, data, im=None):
    with open(name, "wb") as f:
        f.write(data)
    want(name, im or Image.open(name))


def png(rows, depth, colour, interlaced=False, width=W, height=H):
    """A PNG of big-endian samples, unfiltered: rows is one array per pass."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    raw = b"".join(b"\0" + row.tobytes() for a in rows for row in a)
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b"")


def adam7(a):
    for y0, x0, dy, dx in ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)):
        if a[y0::dy, x0::dx].size:
            yield a[y0::dy, x0::dx]


# JPEG: four colours with and without Adobe's mark, and as luminance and chroma (YCCK).
cmyk = src.convert("CMYK")
save("cmyk_progressive.jpg", cmyk, quality=90, progressive=True)
buf = io.BytesIO()
cmyk.save(buf, "JPEG", quality=90)
data = buf.getvalue()
at = data.index(b"\xff\xee")
put("cmyk_unmarked.jpg", data[:at] + data[at + 16:])
ycc = np.dstack([np.asarray(src.convert("YCbCr")), 255 - np.asarray(cmyk)[..., 3]])
buf = io.BytesIO()
Image.fromarray(255 - ycc, "CMYK").save(buf, "JPEG", quality=95)
data = bytearray(buf.getvalue())
at = data.index(b"\xff\xee")
assert data[at + 15] == 0
data[at + 15] = 2
put("ycck.jpg", bytes(data))
save("rgb.jpg", src, quality=90, keep_rgb=True)

# GIF with a transparent colour, which is dropped, after a comment.
save("transparent.gif", src.quantize(40), transparency=7, comment=b"a comment")

# PNG.
put("rgb16.png", png([wide.astype(">u2")], 16, 2), src)
put("gray16.png", png([wide[..., 0].astype(">u2")], 16, 0), Image.fromarray(pix[..., 0]))
put("gray12.png", png([(wide[..., 0] >> 4).astype(">u2")], 16, 0), Image.fromarray(pix[..., 0]))
put("rgb12.png", png([(wide >> 4).astype(">u2")], 16, 2), src)
put("gray10.png", png([(wide[..., 0] >> 6).astype(">u2")], 16, 0), Image.fromarray(pix[..., 0]))
put("gray_alpha16.png", png([np.dstack([wide[..., 0], wide[..., 1]]).astype(">u2")], 16, 4), Image.fromarray(pix[..., 0]))
put("rgba16.png", png([np.dstack([wide, wide[..., :1]]).astype(">u2")], 16, 6), src)
put("interlaced.png", png(list(adam7(pix)), 8, 2, True), src)
put("interlaced16.png", png(list(adam7(wide.astype(">u2"))), 16, 2, True), src)
la = gray.copy()
la.putalpha(alpha)
save("gray_alpha.png", la)
quantized = src.quantize(16)
save("palette4.png", quantized, bits=4)
quantized.info["transparency"] = bytes(range(0, 256, 16))
save("palette_alpha.png", quantized, transparency=bytes(range(0, 256, 16)))
save("bit.png", src.convert("1"))

# TIFF.
save("rgb.tiff", src)
save("lzw.tiff", src, compression="tiff_lzw")
save("deflate.tiff", src, compression="tiff_adobe_deflate")
save("packbits.tiff", gray, compression="packbits")
save("bit_g4.tiff", src.convert("1"), compression="group4")
save("palette.tiff", src.quantize(32))
rgba = src.copy()
rgba.putalpha(alpha)
save("rgba.tiff", rgba)
Image.fromarray(wide[..., 0]).save("gray16.tiff")
want("gray16.tiff", Image.fromarray(pix[..., 0]))
Image.fromarray(wide[..., 0] >> 4).save("gray12.tiff")
want("gray12.tiff", Image.fromarray(pix[..., 0]))
src.save("pages.tiff", save_all=True, append_images=[gray.convert("RGB")])
want("pages.tiff", src)

# PNM.
save("rgb.ppm", src)
save("gray.pgm", gray)
save("bit.pbm", src.convert("1"))
text = "P3 # a comment\n%d %d\n# another\n255\n" % (W, H) + "\n".join(" ".join(str(v) for v in row.ravel()) for row in pix)
put("text.ppm", text.encode())
put("text.pgm", ("P2\n%d %d 255\n" % (W, H) + "\n".join(" ".join(map(str, row)) for row in pix[..., 0])).encode())
bits = (pix[..., 0] > 127).astype(int)
put("text.pbm", ("P1\n%d %d\n" % (W, H) + "\n".join("".join(map(str, row)) for row in bits)).encode())
put("rgb16.ppm", b"P6\n%d %d\n65535\n" % (W, H) + wide.astype(">u2").tobytes(), Image.fromarray(((wide * 255.0 + 32767) // 65535).astype(np.uint8)))
put("most31.pgm", b"P5 %d %d 31\n" % (W, H) + (pix[..., 0] >> 3).tobytes())

# WebP animations; the second frame must not show.
other = Image.new("RGB", (W, H), (0, 255, 0))
save("animated.webp", src, save_all=True, append_images=[other], quality=80)
save("animated_lossless.webp", src, save_all=True, append_images=[other], lossless=True)
solid = rgba.copy()
solid.putalpha(Image.fromarray(((x > 6) * 255).astype(np.uint8)))
save("animated_alpha.webp", solid, save_all=True, append_images=[other.convert("RGBA")], lossless=True)

# GIF with a transparent colour, interlaced or not; BMP of few colours.
save("interlaced.gif", src.quantize(32), interlace=1)
save("palette.bmp", src.quantize(16))
save("bit.bmp", src.convert("1"))

# A first frame that is smaller than the image, alone, with a transparent colour and with a colour table of its own.
def grown(data):
    return data[:6] + struct.pack("<HH", W + 5, H + 3) + data[10:]


def gif(name, **kw):
    buf = io.BytesIO()
    src.quantize(32).save(buf, "GIF", optimize=False, **kw)
    put(name, grown(buf.getvalue()))
    return buf.getvalue()


plain = gif("small_frame.gif")
gif("small_transparent.gif", transparency=9)
table = 3 << (1 + (plain[10] & 7))
at = plain.index(b",", 13 + table)
local = bytearray(plain[at:at + 10])
local[9] |= 0x80 | (plain[10] & 7)
put("small_own_table.gif", grown(plain[:10] + bytes([plain[10] & 0x7f]) + plain[11:13] + plain[13 + table:at] + bytes(local) + plain[13:13 + table] + plain[at + 10:]))

# A first frame that reaches beyond the image, and an image without a size.
def placed(data, width, height, left, top):
    frame = data.index(b",", 13 + (3 << (1 + (data[10] & 7))))
    return data[:6] + struct.pack("<HH", width, height) + data[10:frame + 1] + struct.pack("<HH", left, top) + data[frame + 5:]


put("large_frame.gif", placed(plain, W - 3, H + 9, 4, 5))
put("no_size.gif", placed(plain, 0, 0, 0, 0))

# A frame of a film (MJPEG), without Huffman's tables.
buf = io.BytesIO()
src.save(buf, "JPEG", quality=90)
film, at = buf.getvalue(), 2
while film[at + 1] != 0xda:
    size = 2 + struct.unpack(">H", film[at + 2:at + 4])[0]
    if film[at + 1] == 0xc4:
        film = film[:at] + film[at + size:]
    else:
        at += size
put("no_tables.jpg", film)


# More data than pixels, behind those or behind the packed stream.
def surplus(data, more=b"", behind=b""):
    at = data.index(b"IDAT")
    size = struct.unpack(">I", data[at - 4:at])[0]
    packed = zlib.compress(zlib.decompress(data[at + 4:at + 4 + size]) + more) + behind
    chunk = b"IDAT" + packed
    return data[:at - 4] + struct.pack(">I", len(packed)) + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[at + 8 + size:]


put("surplus.png", surplus(png([pix], 8, 2), more=b"x" * 99))
put("surplus_behind.png", surplus(png([pix], 8, 2), behind=b"x" * 9))
put("surplus_interlaced.png", surplus(png(adam7(pix), 8, 2, True), more=b"x" * 99))
put("surplus_bits.png", surplus(png([np.packbits(np.asarray(gray) > 127, axis=1)], 1, 0), more=b"x" * 99))

# EXIF orientation; want is the upright image.
for o in range(1, 9):
    name = "orientation%d.jpg" % o
    exif = Image.Exif()
    exif[0x0112] = o
    src.save(name, quality=95, subsampling=0, exif=exif)
    want(name, ImageOps.exif_transpose(Image.open(name)))
exif = Image.Exif()
exif[0x0112] = 6
for name, kw in (("orientation6.png", {}), ("orientation6.webp", {"lossless": True}), ("orientation6.tiff", {})):
    src.save(name, exif=exif, **kw)
    want(name, ImageOps.exif_transpose(Image.open(name)))

# Orientation in XMP, as an element or an attribute, which counts where EXIF has none, and in ImageMagick's text.
element = b"<x:xmpmeta><tiff:Orientation>6</tiff:Orientation></x:xmpmeta>"
attribute = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
none = Image.Exif()
none[0x0110] = "camera"
upright = Image.Exif()
upright[0x0112] = 1
for name, kw in (("xmp6.jpg", {"xmp": element}), ("xmp6.webp", {"xmp": attribute, "lossless": True}),
                 ("xmp_beside_other_exif.jpg", {"xmp": attribute, "exif": none}), ("xmp_beside_exif.jpg", {"xmp": attribute, "exif": upright})):
    src.save(name, **kw)
    want(name, ImageOps.exif_transpose(Image.open(name)))
tiff = exif.tobytes()
digits = "".join("%02x" % b for b in tiff)
profile = "\nexif\n%8d\n" % len(tiff) + "\n".join(digits[i:i + 72] for i in range(0, len(digits), 72)) + "\n"
for name, key, text, kw in (("raw_profile6.png", "Raw profile type exif", profile, {"zip": True}), ("raw_profile6_plain.png", "Raw profile type exif", profile, {}),
                            ("xmp6.png", "XML:com.adobe.xmp", element.decode(), {"zip": True}), ("xmp6_plain.png", "XML:com.adobe.xmp", element.decode(), {})):
    texts = PngInfo()
    (texts.add_itxt if key.startswith("XML") else texts.add_text)(key, text, **kw)
    src.save(name, pnginfo=texts)
    want(name, ImageOps.exif_transpose(Image.open(name)))

# Known and not read.
src.save("notread.avif")
src.save("notread.jp2")
src.save("notread.pdf")
cmyk.save("notread_cmyk.tiff")
src.save("notread_jpeg.tiff", compression="jpeg")
Image.fromarray(pix[..., 0].astype(np.float32)).save("notread_float.tiff")


# TIFF with near infrared as its fourth sample; colours in planes and bytes of reversed bits, which are not read.
def tiff(samples, data, *more):
    """A TIFF file of 8 bits per sample, in one strip at its beginning; more are further tags (number, value)."""
    at = 8 + len(data) + len(data) % 2
    tags = {256: W, 257: H, 259: 1, 262: 2, 273: 8, 277: samples, 278: H, 279: len(data), **dict(more)}
    bits = at + 2 + 12 * (len(tags) + 1) + 4
    entries = {tag: struct.pack("<HHII", tag, 4, 1, v) for tag, v in tags.items()}
    entries[258] = struct.pack("<HHII", 258, 3, samples, bits)
    for tag in (259, 262, 266, 277, 284, 338):
        if tag in tags:
            entries[tag] = struct.pack("<HHIHH", tag, 3, 1, tags[tag], 0)
    body = b"".join(entries[tag] for tag in sorted(entries))
    return (b"II*\0" + struct.pack("<I", at) + data.ljust(at - 8, b"\0") + struct.pack("<H", len(entries)) + body + bytes(4)
            + struct.pack("<" + "H" * samples, *[8] * samples))


infrared = np.dstack([pix, pix[..., 1]])
put("infrared.tiff", tiff(4, infrared.tobytes(), (338, 0)))
with open("notread_reversed.tiff", "wb") as f:
    f.write(tiff(3, pix.tobytes(), (266, 2)))
with open("notread_planes.tiff", "wb") as f:
    f.write(tiff(3, pix.transpose(2, 0, 1).tobytes(), (284, 2)))
with open("notread_infrared.tiff", "wb") as f:
    f.write(tiff(4, infrared.tobytes()))

# BMP whose two unused numbers are not 0, and with 16 bits, which is not read.
buf = io.BytesIO()
src.save(buf, "BMP")
data = buf.getvalue()
put("unused.bmp", data[:6] + b"\1\2\3\4" + data[10:])
row = ((pix[..., 0].astype("<u2") >> 3 << 10) | (pix[..., 1].astype("<u2") >> 3 << 5) | (pix[..., 2] >> 3)).astype("<u2")
body = np.pad(row, ((0, 0), (0, W % 2)))[::-1].tobytes()
with open("notread_16bits.bmp", "wb") as f:
    f.write(b"BM" + struct.pack("<IHHI", 54 + len(body), 9, 0, 54) + struct.pack("<IiiHHIIiiII", 40, W, H, 1, 16, 0, len(body), 0, 0, 0, 0) + body)

# A progressive JPEG with restarts, which the standard library takes for a broken one.
src.save("notread_restarts.jpg", quality=80, progressive=True, restart_marker_rows=1)
