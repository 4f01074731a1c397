# The dashboard: dashboard/ bundled with esbuild, packed, and written as a C table that is compiled into tftd.
#
# Needs node and npm at build time only, and the packages of dashboard/package-lock.json (npm fetches them once). Without
# npm, or with -DTFTD_DASHBOARD=OFF, tftd is built with an empty table and /ui/ says so.
option(TFTD_DASHBOARD "compile the dashboard into tftd (needs node and npm)" ON)
find_program(TFTD_NPM npm)
find_program(TFTD_NODE NAMES node nodejs)
set(UI_ASSETS ${CMAKE_BINARY_DIR}/ui_assets.c)
if(TFTD_DASHBOARD AND TFTD_NPM AND TFTD_NODE)
  set(UI_DIR ${CMAKE_SOURCE_DIR}/dashboard)
  set(UI_INSTALLED ${CMAKE_BINARY_DIR}/dashboard.installed)
  file(GLOB_RECURSE UI_SOURCES CONFIGURE_DEPENDS ${UI_DIR}/src/*)
  file(GLOB UI_GUIDES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/*.md)
  # Other presets share node_modules: what is installed there already from the same lock file is left alone.
  add_custom_command(OUTPUT ${UI_INSTALLED}
    COMMAND ${CMAKE_COMMAND} -DNPM=${TFTD_NPM} -DDIR=${UI_DIR} -DSTAMP=${UI_INSTALLED} -P ${CMAKE_SOURCE_DIR}/cmake/npm_install.cmake
    DEPENDS ${UI_DIR}/package-lock.json COMMENT "dashboard: npm packages" VERBATIM)
  add_custom_command(OUTPUT ${UI_ASSETS}
    COMMAND ${TFTD_NODE} ${UI_DIR}/build.mjs --out ${UI_ASSETS} --version ${PROJECT_VERSION}
    DEPENDS ${UI_INSTALLED} ${UI_DIR}/build.mjs ${UI_DIR}/guides.mjs ${UI_SOURCES} ${UI_GUIDES}
    COMMENT "dashboard: bundle" VERBATIM)
else()
  if(TFTD_DASHBOARD)
    message(WARNING "npm or node is missing: tftd is built without its dashboard (tools/install-deps.sh build installs them)")
  else()
    message(STATUS "tftd is built without its dashboard (TFTD_DASHBOARD=OFF)")
  endif()
  file(CONFIGURE OUTPUT ${UI_ASSETS} CONTENT [[
#include "server/ui_assets.h"
const ui_asset ui_assets[1] = {{0}};
const size_t ui_n_assets = 0;
]])
endif()
