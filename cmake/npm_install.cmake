# npm_install.cmake: npm ci in DIR, unless what its lock file asks for is there; then touches STAMP. Scripts of packages are
# not run.
file(SHA256 ${DIR}/package-lock.json wanted)
set(mark ${DIR}/node_modules/.tftd-lock)
file(LOCK ${DIR}/.npm.lock GUARD PROCESS TIMEOUT 600)
set(there "")
if(EXISTS ${mark})
  file(READ ${mark} there)
endif()
if(NOT there MATCHES "^${wanted}")
  execute_process(COMMAND ${NPM} ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error
    WORKING_DIRECTORY ${DIR} RESULT_VARIABLE failed OUTPUT_VARIABLE said ERROR_VARIABLE said)
  if(failed)
    message(FATAL_ERROR "npm ci in dashboard/ failed (${failed}); without network configure with -DTFTD_DASHBOARD=OFF\n${said}")
  endif()
  file(WRITE ${mark} "${wanted} run\n")
endif()
file(TOUCH ${STAMP})
