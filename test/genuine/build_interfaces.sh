#!/usr/bin/env bash
# Build a checkout of a ROS interface package with cmake, against ROS 2 from PyPI wheels, into a prefix of its own.
#
#   test/genuine/build_interfaces.sh VENV CHECKOUT PREFIX
#
# VENV is made where it is absent: rosidl's generators and ament_cmake are wheels too. CHECKOUT holds package.xml
# and CMakeLists.txt; PREFIX gets the Python package and its libraries. Then, for the tests that skip without it:
#
#   PYTHONPATH=PREFIX/python LD_LIBRARY_PATH=PREFIX/lib:$LD_LIBRARY_PATH AMENT_PREFIX_PATH=PREFIX pytest test/nodes
set -euo pipefail
if [ $# -ne 3 ]; then sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; fi
venv=$1 checkout=$(realpath "$2") prefix=$(realpath -m "$3")
if [ ! -x "$venv/bin/python" ]; then
  echo "== making $venv (about 1 min)"
  python3 -m venv "$venv"
  "$venv/bin/pip" install -q 'ros-jazzy-rclpy[fastrtps]' ros-jazzy-ament-{cmake,cmake-ros,package} \
    ros-jazzy-ament-cmake-{gmock,gtest,include-directories} ros-jazzy-gmock-vendor \
    ros-jazzy-python-cmake-module catkin_pkg ros-jazzy-rosidl-{default,core}-generators \
    ros-jazzy-{std,sensor,nav,trajectory,geometry,action}-msgs numpy 'setuptools<80'
fi
venv=$(realpath "$venv")
python=$venv/bin/python
# The wheels' CMake targets name the include folders of the machine that they were built on.
include=$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["include"])')
numpy=$("$python" -c 'import numpy; print(numpy.get_include())')
find "$venv/share" -name '*.cmake' -exec grep -qF /opt/python/ {} \; -print0 | xargs -0r sed -i -E \
  -e "s#/opt/python/[^;\"]*/site-packages/numpy/[^;\"]*include#$numpy#g" \
  -e "s#/opt/python/[^;\"]*/include/python3\.[0-9]+#$include#g"
# Wheels keep the libraries that they bundle beside site-packages; the linker must find them.
libraries=$(printf '%s:' "$venv"/lib/python3.*/site-packages/ros_*.libs)$venv/lib
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
export PATH=$venv/bin:$PATH LD_LIBRARY_PATH=$libraries AMENT_PREFIX_PATH=$venv
export PYTHONPATH=$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
cmake -S "$checkout" -B "$build" -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF -DCMAKE_PREFIX_PATH="$venv" \
  -DPython3_EXECUTABLE="$python" -DPYTHON_EXECUTABLE="$python" -DPython3_FIND_VIRTUALENV=ONLY \
  -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_EXE_LINKER_FLAGS="-Wl,-rpath-link,$libraries" \
  -DCMAKE_SHARED_LINKER_FLAGS="-Wl,-rpath-link,$libraries" > "$build/configure.log" 2>&1 \
  || { tail -n 40 "$build/configure.log" >&2; exit 1; }
cmake --build "$build" -j "${JOBS:-2}" > "$build/build.log" 2>&1 || { tail -n 40 "$build/build.log" >&2; exit 1; }
cmake --install "$build" > /dev/null
# One fixed name for the folder to put on PYTHONPATH, whatever Python's version.
site=$(find "$prefix" -type d -name site-packages | head -n 1)
ln -sfn "$(realpath --relative-to="$prefix" "$site")" "$prefix/python"
echo "built $(ls "$prefix/python" | head -n 1) in $prefix"
