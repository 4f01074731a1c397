# make install DESTDIR= PREFIX=: the program, libtft (static, shared, headers, pkg-config) and man pages.
install(TARGETS tftd RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS tft_static tft_shared ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/tft DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
# relative to where the file lies, so that --prefix and DESTDIR at install time hold too
file(RELATIVE_PATH TFT_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/tft.pc.in ${CMAKE_BINARY_DIR}/tft.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/tft.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(GLOB MAN1 CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/man/*.1)
install(FILES ${MAN1} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
# systemd: the service, its port, the user that it runs as, and where it finds the model; paths follow the prefix of the time
# of installing, which --prefix and a package choose.
foreach(pair tftd.service:lib/systemd/system/tftd.service tftd.socket:lib/systemd/system/tftd.socket
    tftd.sysusers.conf:lib/sysusers.d/tftd.conf tftd.tmpfiles.conf:lib/tmpfiles.d/tftd.conf)
  string(REPLACE ":" ";" pair ${pair})
  list(GET pair 0 from)
  list(GET pair 1 place)
  get_filename_component(folder ${place} DIRECTORY)
  get_filename_component(name ${place} NAME)
  install(CODE "
    file(READ \"${CMAKE_SOURCE_DIR}/packaging/systemd/${from}\" text)
    string(REPLACE \"/usr/bin/tftd\" \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/tftd\" text \"\${text}\")
    string(REPLACE \"/usr/share/tftd\" \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}/tftd\" text \"\${text}\")
    file(WRITE \"${CMAKE_BINARY_DIR}/installed/${name}\" \"\${text}\")
    file(INSTALL DESTINATION \"\${CMAKE_INSTALL_PREFIX}/${folder}\" TYPE FILE FILES \"${CMAKE_BINARY_DIR}/installed/${name}\")")
endforeach()
# The model that ships, and what watches the daemon.
install(DIRECTORY models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/tftd/models FILES_MATCHING PATTERN "tft_model_*/*")
install(FILES packaging/prometheus/tftd.rules.yml DESTINATION ${CMAKE_INSTALL_DATADIR}/tftd/prometheus)
install(FILES packaging/grafana/tftd.json DESTINATION ${CMAKE_INSTALL_DATADIR}/tftd/grafana)
# Completion: the scripts come from the program itself.
foreach(pair bash:bash-completion/completions/tftd zsh:zsh/site-functions/_tftd fish:fish/vendor_completions.d/tftd.fish)
  string(REPLACE ":" ";" pair ${pair})
  list(GET pair 0 shell)
  list(GET pair 1 place)
  get_filename_component(folder ${CMAKE_INSTALL_DATADIR}/${place} DIRECTORY)
  get_filename_component(name ${place} NAME)
  install(CODE "execute_process(COMMAND \"${CMAKE_BINARY_DIR}/tftd\" completion ${shell} OUTPUT_FILE \"${CMAKE_BINARY_DIR}/completion.${shell}\" COMMAND_ERROR_IS_FATAL ANY)")
  install(FILES ${CMAKE_BINARY_DIR}/completion.${shell} DESTINATION ${folder} RENAME ${name})
endforeach()
include(cmake/package.cmake)
